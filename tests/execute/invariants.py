"""I1–I5, judged from the venue's ledger: what truly happened against what a daemon promises."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from alphalib.execute.journal.journal import Journal
from alphalib.gateway.ledger import Entry, Executed, Frame, Ledger, Stated

OURS = "al-"


@dataclass(frozen=True)
class Gap:
    """I3: a time in which a position and the stops that should cover it were not the same. [shares]"""

    symbol: str
    begin: datetime
    end: datetime
    position: float
    stops: float

    @property
    def seconds(self) -> float:
        """How long."""
        return (self.end - self.begin).total_seconds()


def violations(
    ledger: Ledger, journal: Journal, account: str, *, session: str, until: datetime, grace: float, calm: bool
) -> list[str]:
    """What speaks against the daemon, one sentence each; none is well.

    `calm` says that it lives and nothing has gone wrong for a while: only then can fills be asked of its journal, and
    cover of its stops. How long something was uncovered before is asked of `uncovered`, by those who know what went on.
    """
    found = [
        f"I1 {ref} names {len(orders)} orders: {sorted(orders)}"
        for ref, orders in ledger.orders_by_ref().items()
        if len(orders) > 1
    ]
    if calm:
        found += _fills_differ(ledger, journal, session)
        found += [
            f"I3 {gap.symbol}: {gap.position:g} held, sales of {gap.stops:g} work, since {gap.begin:%H:%M:%S}"
            for gap in uncovered(ledger, account, until=until)
            if gap.end == until and gap.seconds > grace
        ]
    found += [f"I4 {symbol} went to {shares:g}" for symbol, shares in ledger.lowest(account).items() if shares < 0]
    found += [f"I5 {frame.message} {frame.ref} to {frame.accounts}" for frame in ledger.frames_on_live()]
    return found


def _fills_differ(ledger: Ledger, journal: Journal, session: str) -> list[str]:
    """I2: fills, prices and commissions."""
    true, charged = ledger.executions(prefix=OURS), ledger.commissions()
    known = {fill.root: fill for fill in journal.fills(session)}
    charges = {charge.exec_id.rpartition(".")[0]: charge.commission for charge in journal.charges().values()}
    found = [f"I2 {root} of {true[root].ref} is in no journal" for root in sorted(true.keys() - known.keys())]
    ours = {root for root, fill in known.items() if fill.ref.startswith(OURS)}
    found += [f"I2 {root} of {known[root].ref} never happened" for root in sorted(ours - true.keys())]
    for root in sorted(true.keys() & known.keys()):
        fact, told = true[root], known[root]
        if (fact.ref, fact.shares, fact.action) != (told.ref, told.shares, told.side.value) or not math.isclose(
            fact.price, told.price, rel_tol=1e-9
        ):
            found.append(f"I2 {root}: {fact} is journaled as {told}")
        elif not math.isclose(charged.get(root, 0.0), charges.get(root, math.nan), rel_tol=1e-9):
            found.append(f"I2 {root}: commission {charged.get(root)} is journaled as {charges.get(root)}")
    return found


@dataclass
class _Name:
    """What is held of a name, by anybody and by us, and what would sell it."""

    held: float = 0.0
    ours: float = 0.0
    entering: float = 0.0
    sales: dict[int, float] = field(default_factory=dict)
    others: dict[int, float] = field(default_factory=dict)

    @property
    def exposed(self) -> float:
        """What our working sales lack, or have too much, of what is ours; a working entry's fills may wait for it."""
        wanted = max(min(self.ours, self.held - sum(self.others.values())), 0.0)
        sold = sum(self.sales.values())
        if wanted - self.entering <= sold <= wanted:
            return 0.0
        return wanted - sold


def uncovered(ledger: Ledger, account: str, *, until: datetime) -> list[Gap]:
    """I3: times when what is ours of a name and our working sales of it, stops and exits, were not of one size.

    Ours is what the session began with and what our own orders traded, but not what somebody else has sold of it since,
    or is selling.
    """
    names = {symbol: _Name(shares, shares) for symbol, shares in ledger.opening.get(account, {}).items()}
    begun: dict[str, datetime] = {}
    gaps: list[Gap] = []
    last: dict[str, tuple[float, float]] = {}
    for at, symbol in _changes(ledger, account, names):
        name = names[symbol]
        if name.exposed and symbol not in begun:
            begun[symbol] = at
        elif not name.exposed and symbol in begun:
            gaps.append(Gap(symbol, begun.pop(symbol), at, *last[symbol]))
        last[symbol] = name.ours, sum(name.sales.values())
    gaps += [Gap(symbol, begin, until, *last[symbol]) for symbol, begin in begun.items()]
    return [gap for gap in gaps if gap.end > gap.begin]


def _changes(ledger: Ledger, account: str, names: dict[str, _Name]) -> Iterator[tuple[datetime, str]]:
    """When something changed of a name, which then is as it was after everything that happened at that instant."""
    revisions: dict[str, float] = {}
    entries = [e for e in ledger.entries if isinstance(e, Stated | Executed) and e.account == account]
    if entries:
        yield from ((entries[0].at, symbol) for symbol in tuple(names))
    for number, entry in enumerate(entries):
        name = names.setdefault(entry.symbol, _Name())
        ours = entry.ref.startswith(OURS)
        if isinstance(entry, Executed):
            change = entry.signed - revisions.get(entry.root, 0.0)
            revisions[entry.root] = entry.signed
            name.held += change
            name.ours += change if ours else 0.0
        elif ours and entry.action == "SELL":
            name.sales[entry.perm_id] = entry.working
        elif entry.action == "SELL":
            name.others[entry.perm_id] = entry.working
        elif ours:
            name.entering = 0.0 if entry.status.over else entry.filled
        if (
            number + 1 == len(entries)
            or entries[number + 1].at > entry.at
            or entries[number + 1].symbol != entry.symbol
        ):
            yield entry.at, entry.symbol


def words(entry: Entry) -> str:
    """An entry for people, and for those who look for a point to die at."""
    if isinstance(entry, Frame):
        held = "" if entry.transmit else " held back"
        return f"> {entry.message} {entry.ref} {entry.action} {entry.quantity:g} {entry.kind}{held}"
    if isinstance(entry, Stated):
        return (
            f"  {entry.ref} {entry.action} {entry.filled:g}/{entry.quantity:g} {entry.kind} {entry.level} "
            f"{entry.status} {entry.held_for}"
        )
    if isinstance(entry, Executed):
        return f"* {entry.ref} {entry.action} {entry.shares:g} @ {entry.price:g} {entry.exec_id}"
    return f"  {entry}"
