"""One rule held against one number: what the gate and the tuner decide by, and what they print."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One rule: the value found, the limit it was held against, and whether it passed.

    Parameters
    ----------
    rule : str
        Its name, the same every time.
    value, limit : float
        In the unit of the rule; a value that could not be computed is NaN.
    passed : bool
        What is missing has not passed.
    note : str
        What a reader must know beside it.
    """

    rule: str
    value: float
    limit: float
    passed: bool
    note: str = ""

    def __str__(self) -> str:
        verb = "passed" if self.passed else "failed"
        note = f" ({self.note})" if self.note else ""
        return f"{verb} {self.rule}: {self.value:.4g} against {self.limit:.4g}{note}"


def at_least(rule: str, value: float, limit: float, note: str = "") -> Check:
    """Passed when `value` reaches `limit`; NaN does not."""
    return Check(rule, float(value), float(limit), passed=bool(value >= limit), note=note)


def at_most(rule: str, value: float, limit: float, note: str = "") -> Check:
    """Passed when `value` does not exceed `limit`; NaN does."""
    return Check(rule, float(value), float(limit), passed=bool(value <= limit), note=note)


def above(rule: str, value: float, limit: float = 0.0, note: str = "") -> Check:
    """Passed when `value` is larger than `limit`; NaN is not."""
    return Check(rule, float(value), float(limit), passed=bool(value > limit), note=note)
