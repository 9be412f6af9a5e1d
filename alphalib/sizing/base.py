"""The untilted weight of a position: a share of the book, or a fraction of the Kelly bet."""

from __future__ import annotations

from alphalib.compiled import compiled


@compiled
def equal_weight(entries: int, target: float) -> float:
    """Weight of one of so many entries, or of the positions aimed at when there are fewer. [fraction]"""
    return 1.0 / max(float(entries), target)


@compiled
def kelly_weight(win_rate: float, payoff: float, fraction: float, cap: float) -> float:
    """Fractional Kelly bet of a wager that wins `payoff` times the stake or loses the stake; 0 without an edge.

    The bet that makes wealth grow fastest is (p·b − q) / b, Kelly (1956), doi:10.1002/j.1538-7305.1956.tb03809.x.
    A fraction of it is bet, because p and b are not known.

    Parameters
    ----------
    win_rate : float
        p; q is 1 − p. [fraction]
    payoff : float
        b: gain over loss. [ratio]
    fraction : float
        Of the full bet. [fraction]
    cap : float
        On the full bet. [fraction]
    """
    bet = (win_rate * payoff - (1.0 - win_rate)) / payoff
    return fraction * min(max(bet, 0.0), cap)
