"""Reasons in words: which rule, which value against which limit."""

_WORDS = {
    "research_exit": "research says EXIT, score {value:.1f}",
    "stop": "close {value:.2f} at or below the stop {limit:.2f}",
    "loss_floor": "close {value:.2f} at or below the loss floor {limit:.2f}",
    "gap_exit": "opened {value:.1%} from the close before, at or below {limit:.1%}",
    "momentum_exit": "20-session return {value:.1%} below {limit:.1%}, and RSI below its limit",
    "time_exit": "held {value:.0f} sessions without a call to keep it, limit {limit:.0f}",
    "drawdown_exit": "among the lowest scores at a drawdown of {value:.1%}",
    "research_reduce": "research says REDUCE, score {value:.1f}",
    "profit_take": "close {value:.2f} at or above the profit target {limit:.2f}",
    "dropped": "no longer among the names to hold",
    "cover": "a short position is bought back",
    "rebalance": "back to its target weight",
    "collapse": "close {value:.2f} fell from the session's high to {limit:.2f} or below",
    "intraday_profit": "close {value:.2f} at or above the session's profit target {limit:.2f}",
    "time_reduce": "held {value:.0f} sessions without a call to keep it, limit {limit:.0f}",
    "not_tradable": "did not trade, or is not a member",
    "kill_switch": "the kill switch is on",
    "halted": "entries are halted after a drawdown, decision {value:.0f} of the halt",
    "daily_loss": "the book lost {value:.1%} in a session, the limit is {limit:.1%}",
    "cooldown": "sold by a stop {value:.0f} sessions ago, not bought again within {limit:.0f}",
    "min_score": "score {value:.1f} below {limit:.1f}",
    "conviction": "conviction is declining",
    "momentum_gate": "20-session return {value:.1%} below {limit:.1%}",
    "veto": "the prediction vetoes: percentile {value:.2f}",
    "bear_sector": "bear market, and the sector is underweight",
    "correlation": "mean correlation {value:.2f} with what is held in its sector above {limit:.2f}",
    "max_positions": "{value:.0f} names would be held, the cap is {limit:.0f}",
    "adv_cap": "it would be {value:.1%} of a day's mean value traded, the cap is {limit:.1%}",
    "infeasible": "no weights meet every limit: what is held is kept",
    "position_cap": "it would be {value:.1%} of NAV, the cap is {limit:.1%}",
    "sector_cap": "its sector would be {value:.1%} of NAV, the cap is {limit:.1%}",
    "equity_cap": "all positions would be {value:.1%} of NAV, the cap is {limit:.1%}",
    "cash": "{value:,.0f} wanted, {limit:,.0f} of cash left",
    "below_minimum": "an order of {value:,.0f} is below the minimum of {limit:,.0f}",
}

_WITHOUT_VALUE = {
    "research_exit": "research says EXIT",
    "research_reduce": "research says REDUCE",
    "min_score": "no score",
    "veto": "the prediction vetoes",
}


def reason(rule: str, value: float | None, limit: float | None) -> str:
    """One clause that says why, for order books and reports.

    Parameters
    ----------
    rule : str
        Label of a `Rule`.
    value, limit : float, optional
        What was measured and what it was held against, in the rule's own unit; None where it has none.
    """
    if value is None and rule in _WITHOUT_VALUE:
        return _WITHOUT_VALUE[rule]
    return _WORDS[rule].format(value=value, limit=limit)
