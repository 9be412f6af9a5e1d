"""Random numbers that a longer world does not disturb: one stream a name and component, drawn session by session.

Whatever is summed over names goes through `over_names`, because numpy's own sum groups its terms by their number and a
name listed later would change the last bit of every earlier sum.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


def stream(seed: int, *key: str | int) -> np.random.Generator:
    """The random stream of one component, independent of all others and of how much they draw."""
    digest = hashlib.blake2b("|".join(map(str, (seed, *key))).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def normal(rng: np.random.Generator, count: int) -> Floats:
    """Standard normal draws."""
    return rng.standard_normal(count)


def uniform(rng: np.random.Generator, count: int) -> Floats:
    """Draws between 0 and 1."""
    return rng.random(count)


def fat_tailed(rng: np.random.Generator, count: int) -> Floats:
    """Student's t with 4 degrees of freedom at unit variance, clipped at ±10: symmetric, so that its mean stays 0."""
    return np.asarray(np.clip(rng.standard_t(4, count) / np.sqrt(2.0), -10.0, 10.0))


def by_name(seed: int, component: str, shape: tuple[int, int], draw: Draw) -> Floats:
    """Draws of one component, sessions down and names across, each name from its own stream."""
    sessions, names = shape
    rows = np.empty((names, sessions))
    for number in range(names):
        rows[number] = draw(stream(seed, component, number), sessions)
    return np.ascontiguousarray(rows.T)


def autoregression(shocks: Floats, *, halflife: float) -> Floats:
    """Stationary AR(1) with unit variance, driven by unit shocks, down the first axis; `halflife` in sessions."""
    persistence = 0.5 ** (1.0 / halflife)
    scaled = shocks * np.sqrt(1.0 - persistence**2)
    scaled[0] = shocks[0]
    return np.asarray(lfilter([1.0], [1.0, -persistence], scaled, axis=0))


def before(values: Floats, *, by: int = 1) -> Floats:
    """Values `by` sessions earlier; zero where there are none."""
    earlier = np.zeros_like(values)
    earlier[by:] = values[:-by]
    return earlier


def over_names(values: Floats) -> Floats:
    """Sum across names, term by term in the order of listing."""
    total = np.zeros(len(values))
    for column in values.T:
        total += column
    return total
