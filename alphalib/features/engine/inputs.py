"""What the engine reads of a market: fields as arrays, and who is a member."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from alphalib.compiled import Bools, Floats
from alphalib.features.fields import FIELDS
from alphalib.market import Market


@dataclass(frozen=True)
class Inputs:
    """Arrays of a market from session number `first` on.

    Parameters
    ----------
    panels : dict of str to array
        Fields by name: (names, sessions), in any memory order; a field that is the same for every name has one row.
    members : array (names, sessions)
        Whose values make the statistics of a date. [bool]
    first : int
        Number of the session in column 0, counted from the market's first.
    """

    panels: dict[str, Floats]
    members: Bools
    first: int = 0

    @property
    def names(self) -> int:
        """Names of the market."""
        return len(self.members)

    @property
    def sessions(self) -> int:
        """Sessions from `first` on."""
        return int(self.members.shape[1])

    @property
    def market_wide(self) -> frozenset[str]:
        """Fields that are the same for every name."""
        return frozenset(name for name, values in self.panels.items() if values.shape[0] == 1 and self.names > 1)

    def since(self, session: int) -> Inputs:
        """The same from a later session on, as views."""
        return replace(
            self,
            panels={name: values[:, session:] for name, values in self.panels.items()},
            members=self.members[:, session:],
            first=self.first + session,
        )


def inputs_of(market: Market, fields: Iterable[str]) -> Inputs:
    """Read fields of a market, each once.

    A name is a member from its first price to its last: a mean over a window, a filing, an open end in the table of
    members go on after a delisting, and would rank among those that can still be bought.
    """
    members = market.member & market.listed
    return Inputs(
        panels={name: _values(market, name) for name in sorted(fields)},
        members=np.ascontiguousarray(members.to_numpy(dtype=bool).T),
    )


def _values(market: Market, name: str) -> Floats:
    values = FIELDS[name].read(market).to_numpy(dtype=np.float64)
    return np.atleast_2d(values.T)
