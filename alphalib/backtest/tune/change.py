"""Which executor setting to change to, if any: searched on the first part, chosen on the second, confirmed once.

Pure functions of matrices, so that a year of weekly looks is replayed in a fraction of a second. What they see ends at
the holdout's line; a row behind it raises.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from alphalib.backtest.evaluate.summary import LINEAGE
from alphalib.backtest.tune.guard import Guardrails, Proposal, answered, judged, require_proposed
from alphalib.backtest.tune.paired import Floats, alphas, drawdowns, equal_risk_difference, simultaneous_bounds
from alphalib.errors import EvidenceError, InputError
from alphalib.evidence.check import Check, above, at_least, at_most
from alphalib.evidence.holdout import Grant, Sealed, holdout_line, require_grant
from alphalib.evidence.pbo import probability_of_overfitting
from alphalib.evidence.significance import deflated_sharpe, minimum_detectable
from alphalib.sessions import SESSIONS_PER_YEAR, Day

YEARLY = SESSIONS_PER_YEAR**0.5


def choose_executor(
    returns: pd.DataFrame | Sealed[pd.DataFrame],
    current: str,
    *,
    asof: Day,
    market: pd.Series,
    trades: pd.DataFrame,
    trials: float,
    rng: np.random.Generator,
    guard: Guardrails | None = None,
) -> Proposal:
    """Propose the setting to change to, or say why none.

    Parameters
    ----------
    returns : DataFrame or Sealed
        Daily returns of the books, sessions down, settings across, `current` among them; up to the line. [fraction]
    current : str
        The setting in use.
    asof : Day
        Last session known; the line follows from it.
    market : Series
        Daily returns of SPY. [fraction]
    trades : DataFrame
        Fills in each session, labelled as `returns`. [fills]
    trials : float
        `Ledger.effective_count` of the lineage, these settings included. [trials]
    rng : Generator
        Of the bootstrap.
    guard : Guardrails, optional
        Limits.

    Returns
    -------
    Proposal
        Numbers: differences of annualised Sharpe ratios, their standard errors, and what stood beside them.

    Raises
    ------
    EvidenceError
        When `returns` reach behind the line.

    Notes
    -----
    On the first part the settings are ranked by their Sharpe ratio less that of the current book, those that fell
    deeper or earned less alpha left out; on the second the best few are compared with it once more, with one bound for
    all of them (`paired.simultaneous_bounds`). The deflated Sharpe ratio is that of the difference over both parts,
    against the largest that `trials` differences without merit would have shown.
    """
    guard = guard or Guardrails()
    line = holdout_line(asof)
    known = _open(returns, line)
    if current not in known:
        raise InputError(f"the current setting {current!r} has no returns; sweep it with the others")
    blank = Proposal(LINEAGE, pd.Timestamp(asof), line, current, None, "too few", ())
    if len(known) < guard.sessions:
        return replace(blank, checks=(at_least("sessions", len(known), guard.sessions, "too few to compare settings"),))
    search, validation = split(len(known), guard)
    cells = [cell for cell in known if cell != current]
    daily = known.to_numpy(dtype=float)
    place = {cell: number for number, cell in enumerate(known)}
    own = daily[:, place[current]]
    beside = daily[:, [place[cell] for cell in cells]]
    spy = _covering(market.reindex(known.index), "the market's returns")
    fills = _covering(trades.reindex(index=known.index, columns=cells), "the fills")
    best = _shortlist(beside[search], own[search], spy[search], fills[search], guard)
    if not best:
        return replace(blank, outcome="keep", checks=(above("search", 0.0, note="no setting did better"),))
    difference = equal_risk_difference(beside[validation][:, best], own[validation])
    bounds, errors = simultaneous_bounds(difference, level=guard.level, block=guard.block, draws=guard.draws, rng=rng)
    first = int(np.argmax(bounds))
    chosen = best[first]
    numbers = {
        "search_difference": YEARLY * float(equal_risk_difference(beside[search][:, [chosen]], own[search]).mean()),
        "validation_difference": YEARLY * float(difference[:, first].mean()),
        "validation_error": YEARLY * float(errors[first]),
        "validation_bound": YEARLY * float(bounds[first]),
        "shortlisted": float(len(best)),
        "settings": float(len(cells) + 1),
    }
    checks = (
        *_size_checks(fills[search][:, chosen], fills[validation][:, chosen], guard),
        *_difference_checks(beside[:, chosen], own, numbers, trials, guard),
        _overfitting_check(known, current, guard),
        *_book_checks(beside[:, chosen], own, spy, validation, guard),
    )
    return judged(replace(blank, candidate=cells[chosen]), checks, numbers=numbers)


def confirm(
    proposal: Proposal,
    returns: Sealed[pd.DataFrame],
    grant: Grant | None,
    *,
    rng: np.random.Generator,
    guard: Guardrails | None = None,
) -> Proposal:
    """Hold a proposal against what the holdout has to say, once, with a grant.

    Parameters
    ----------
    proposal : Proposal
        From `choose_executor`; one that did not pass is not worth a grant.
    returns : Sealed
        Daily returns of the books over the whole span, current and proposed ones among them.
    grant : Grant
        From `Ledger.use_grant`.
    rng : Generator
        Of the bootstrap.
    guard : Guardrails, optional
        Limits.

    Returns
    -------
    Proposal
        "confirmed" or "refused".

    Raises
    ------
    EvidenceError
        Without a fitting grant, or for a proposal that did not pass.
    """
    guard = guard or Guardrails()
    candidate = require_proposed(proposal)
    grant = require_grant(grant, line=proposal.line, what="returns of books", lineage=proposal.lineage)
    opened = returns.opened(grant)
    after = opened.loc[opened.index > proposal.line, [candidate, proposal.current]].iloc[guard.embargo :]
    checks, numbers = _holdout(after.dropna().to_numpy(dtype=float), proposal, rng, guard)
    return answered(proposal, checks, numbers=numbers, grant=grant)


def split(sessions: int, guard: Guardrails) -> tuple[slice, slice]:
    """Rows of the search part and of the validation part, with the embargo between them."""
    cut = round(sessions * (1 - guard.validation))
    return slice(0, cut - guard.embargo), slice(cut, sessions)


def _open(returns: pd.DataFrame | Sealed[pd.DataFrame], line: pd.Timestamp) -> pd.DataFrame:
    """Complete rows up to the line; a setting without any returns is no setting."""
    if isinstance(returns, Sealed):
        if returns.line > line:
            raise EvidenceError(
                f"these returns are sealed from {returns.line:%Y-%m-%d} on, the line is {line:%Y-%m-%d}"
            )
        known = returns.open.loc[:line]
    else:
        known = returns
        if len(known) and known.index[-1] > line:
            raise EvidenceError(
                f"returns reach to {known.index[-1]:%Y-%m-%d}, and outcomes after {line:%Y-%m-%d} are sealed; cut them "
                f"there, or seal them"
            )
    return known.dropna(axis=1, how="all").dropna()


def _covering(series: pd.Series | pd.DataFrame, what: str) -> Floats:
    values = np.asarray(series.to_numpy(dtype=float))
    lacking = np.isnan(values).any(axis=1) if values.ndim == 2 else np.isnan(values)
    if lacking.any():
        raise InputError(f"{what} are missing on {series.index[lacking][0]:%Y-%m-%d}, where the books have returns")
    return values


def _shortlist(beside: Floats, own: Floats, spy: Floats, fills: Floats, guard: Guardrails) -> list[int]:
    """Places of the settings that did best in the search part, best first; none that did not do better."""
    ahead = equal_risk_difference(beside, own).mean(axis=0)
    active = fills.sum(axis=0) >= guard.trades
    found: list[int] = []
    for place in np.argsort(-ahead, kind="stable"):
        if len(found) == guard.shortlist or not ahead[place] > 0:
            break
        pair = np.column_stack([own, beside[:, place]])
        fell, alpha = drawdowns(pair), alphas(pair, spy)[0]
        if active[place] and fell[1] >= fell[0] - guard.drawdown and alpha[1] >= alpha[0]:
            found.append(int(place))
    return found


def _size_checks(search: Floats, validation: Floats, guard: Guardrails) -> tuple[Check, ...]:
    return (
        at_least("search_trades", float(search.sum()), guard.trades),
        at_least("validation_trades", float(validation.sum()), guard.trades),
    )


def _difference_checks(
    beside: Floats, own: Floats, numbers: dict[str, float], trials: float, guard: Guardrails
) -> tuple[Check, ...]:
    """Checks of the paired difference; what the whole open part could have found is added to the numbers."""
    whole = equal_risk_difference(beside[:, None], own)[:, 0]
    error = float(whole.std(ddof=1)) / len(whole) ** 0.5
    numbers["detectable"] = YEARLY * minimum_detectable(error)
    luck = deflated_sharpe(pd.Series(whole), trials=max(trials, 1.0), variance_of_trials=1 / len(whole))
    ahead = numbers["validation_difference"]
    return (
        above("search", numbers["search_difference"], note="Sharpe a year over the current book's"),
        above("validation", ahead, note="a sign that flips is a failure"),
        above("validation_bound", numbers["validation_bound"], note=f"one-sided {guard.level:.2g}"),
        at_least("detectable", ahead, numbers["detectable"], "what this history finds four times in five"),
        at_least("deflated", luck, guard.deflated, f"of the difference, among {trials:.3g} trials"),
    )


def _overfitting_check(known: pd.DataFrame, current: str, guard: Guardrails) -> Check:
    """Whether what is best in half of the time beats the book in use in the other half.

    Not whether it beats the median of all that was tried: when all of them are better, it need not.
    """
    found = probability_of_overfitting(known, blocks=guard.pbo_blocks, in_use=current)
    return at_most("pbo", found.probability, guard.pbo, f"beside the book in use, {found.splits} splits")


def _book_checks(beside: Floats, own: Floats, spy: Floats, validation: slice, guard: Guardrails) -> tuple[Check, ...]:
    """Better at equal risk is not enough: not deeper, not less over the market, and not surely below it."""
    pair = np.column_stack([own, beside])
    fell = drawdowns(pair[validation])
    alpha = alphas(pair[validation], spy[validation])[0]
    whole, error = alphas(pair, spy)
    return (
        at_least("drawdown", fell[1], fell[0] - guard.drawdown, "in the validation part"),
        at_least("alpha", alpha[1], alpha[0], "a year over SPY, in the validation part"),
        at_least("alpha_upper", whole[1] + 1.96 * error[1], 0.0, "a book surely below SPY cannot win"),
    )


def _holdout(
    pair: Floats, proposal: Proposal, rng: np.random.Generator, guard: Guardrails
) -> tuple[tuple[Check, ...], dict[str, float]]:
    """Whether the difference goes on; proposed in the first column, current in the second."""
    enough = at_least("holdout_sessions", len(pair), 4 * guard.block)
    if not enough.passed:
        return (enough,), {}
    difference = equal_risk_difference(pair[:, :1], pair[:, 1])
    bounds, errors = simultaneous_bounds(
        difference, level=guard.holdout_level, block=guard.block, draws=guard.draws, rng=rng
    )
    ahead, error = YEARLY * float(difference.mean()), YEARLY * float(errors[0])
    reach = 1.645 * float(np.hypot(error, proposal.numbers["validation_error"]))
    fell = drawdowns(pair)
    checks = (
        enough,
        above("holdout_bound", YEARLY * float(bounds[0]), note=f"one-sided {guard.holdout_level:.2g}"),
        at_least("holdout_promise", ahead, proposal.numbers["validation_difference"] - reach, "as validation promised"),
        at_least("holdout_drawdown", fell[0], fell[1] - guard.drawdown),
    )
    return checks, {"holdout_difference": ahead, "holdout_error": error}
