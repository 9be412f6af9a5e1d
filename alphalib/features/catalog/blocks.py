"""Pieces of expressions that several catalogues are written with.

A session without a bar carries the last price for 21 sessions, about a month: its return is nothing, and the next
session that has a bar makes the whole move.
"""

from __future__ import annotations

CLOSE = "Last($close, 21)"
"""The latest close. [price]"""

BEFORE = f"Ref({CLOSE}, 1)"
"""The close before this session's. [price]"""

MOVE = f"($close - {BEFORE})"
"""Change of the close. [price]"""

RETURN = f"Log({CLOSE} / {BEFORE})"
"""Log return of the session. [fraction]"""

SPY_RETURN = "Log($spy / Ref($spy, 1))"
"""Log return of the market. [fraction]"""

TRUE_RANGE = f"(Greater($high, {BEFORE}) - Less($low, {BEFORE}))"
"""Span of the session with the gap before it. [price]"""

TYPICAL = "(($high + $low + $close) / 3)"
"""Mean of high, low and close. [price]"""

YEAR = "Sqrt(252)"
"""A session's volatility times this is a year's."""
