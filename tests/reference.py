"""The plain, slow reference simulator: docs/rules.md said once more in Python, one function a rule.

Written from the text alone, without a look at `alphalib/decision.py` or `alphalib/backtest/`; it shares no code with
them. It reads easily rather than runs fast: dicts, lists and loops. NaN means "not known".
"""

import math
from dataclasses import dataclass, field

import pandas as pd

from alphalib.market import SECTOR_ETFS, SECTORS, Market
from alphalib.params import ExecutorParams
from alphalib.scores import SignalPanels
from alphalib.sessions import session_minutes, sessions_from

NONE, HOLD, ENTER, REDUCE, EXIT = range(5)
DECLINING = 0
BEAR = 3
UNKNOWN = float("nan")
FILL = ["date", "ticker", "side", "shares", "price", "reason", "bound_by", "trigger", "minute"]


@dataclass
class Position:
    shares: int
    cost: float
    high: float
    entered: int
    held: int = 0
    profit_taken: bool = False
    time_reduced: bool = False
    intraday_profit_taken: bool = False


@dataclass
class Book:
    cash: float
    nav: float
    peak: float
    positions: dict = field(default_factory=dict)
    reached: set = field(default_factory=set)
    decisions_halted: int = 0
    decisions_under_tier: int = 0
    nav_before: float = UNKNOWN  # at the decision before
    stopped: dict = field(default_factory=dict)  # ticker: session of its last sale that starts a cooldown


@dataclass
class Orders:
    exits: list  # (ticker, shares, reason), whole positions
    reductions: list  # (ticker, shares, reason)
    entries: list  # (ticker, shares, bound_by)
    stops: dict  # ticker: price
    blocked: list  # (ticker, rule)
    drawdown: float
    halted: bool


@dataclass
class Result:
    fills: pd.DataFrame  # columns FILL; minute −1 on daily bars
    blocked: pd.DataFrame  # date, ticker, rule
    daily: pd.DataFrame  # nav, cash, drawdown, halted


@dataclass
class Outlook:
    """What row t of the indicators says about one name."""

    close: float
    gap: float
    atr: float
    rsi: float
    momentum: float
    sector: int
    sector_momentum: float


def simulate(market: Market, signals: SignalPanels, percentile, veto, params, *, costs, cash, minutes=None):
    """Run the rules over a whole market; `percentile` and `veto` may be None; `minutes` are tables by ticker."""
    world = World(market, signals, percentile, veto, params, minutes or {})
    book = Book(cash=float(cash), nav=float(cash), peak=float(cash))
    fills, blocked, daily = [], [], []
    orders = None
    for t, day in enumerate(world.days):
        if orders is not None:
            fills += [(day, *fill) for fill in session(world, book, orders, t, costs)]
        orders = decide(world, book, t)
        blocked += [(day, *row) for row in orders.blocked]
        daily.append((day, book.nav, book.cash, orders.drawdown, orders.halted))
    return Result(
        fills=pd.DataFrame(fills, columns=FILL),
        blocked=pd.DataFrame(blocked, columns=["date", "ticker", "rule"]),
        daily=pd.DataFrame(daily, columns=["date", "nav", "cash", "drawdown", "halted"]).set_index("date"),
    )


class World:
    """The inputs as dicts of lists, and the indicators."""

    def __init__(self, market, signals, percentile, veto, params: ExecutorParams, minutes):
        self.params = params
        self.days = list(market.sessions)
        self.tickers = list(market.tickers)
        self.open, self.high, self.low, self.close = (
            _lists(panel) for panel in (market.open, market.high, market.low, market.close)
        )
        self.member, self.tradable, self.sector = (
            _lists(panel) for panel in (market.member, market.tradable, market.sector)
        )
        self.score, self.signal, self.conviction, self.upside = (
            _lists(panel) for panel in (signals.score, signals.signal, signals.conviction, signals.upside)
        )
        for name in self.tickers:
            self.score[name] = [
                score if signal != NONE else UNKNOWN
                for score, signal in zip(self.score[name], self.signal[name], strict=True)
            ]
        self.rating = _lists(signals.sector_rating)
        self.regime, self.age = signals.regime.tolist(), signals.age.tolist()
        self.percentile = _lists(percentile) if percentile is not None else None
        self.veto = _lists(veto) if veto is not None else None
        self.etf = _lists(market.benchmarks)
        self.actions = self._actions(market.actions)
        self.reports = list(market.earnings.itertuples())
        factor, self.total = _lists(market.split_factor), _lists(market.adj_close)
        self.atr = {name: self._atr(name, factor[name]) for name in self.tickers}
        self.rsi = {name: relative_strength(self.total[name], 14) for name in self.tickers}
        self.last_close = {name: self._last_close(name, factor[name]) for name in self.tickers}
        self.volume, self.split_factor = _lists(market.volume), factor
        self.minutes = {name: by_session(table) for name, table in minutes.items()}

    def _actions(self, actions):
        position = {day: t for t, day in enumerate(self.days)}
        by_day = {}
        for action in actions.itertuples():
            if action.date in position and action.ticker in self.close:
                by_day.setdefault((position[action.date], action.kind), []).append((action.ticker, action.value))
        return by_day

    def _atr(self, name, factor):
        adjusted = [
            [price * f for price, f in zip(p[name], factor, strict=True)] for p in (self.high, self.low, self.close)
        ]
        return [a / f for a, f in zip(average_true_range(*adjusted, self.params.atr_window), factor, strict=True)]

    def _gap(self, name, t):
        before = [total for total in self.total[name][:t] if known(total)]
        opened = self.total[name][t] / self.close[name][t] * self.open[name][t]  # NaN without an open or a close
        return opened / before[-1] - 1 if before else UNKNOWN

    def _last_close(self, name, factor):
        result, last = [], UNKNOWN
        for price, f in zip(self.close[name], factor, strict=True):
            last = price * f if known(price) else last
            result.append(last / f)
        return result

    def outlook(self, name, t) -> Outlook:
        sector = self.sector[name][t]
        return Outlook(
            close=self.close[name][t],
            gap=self._gap(name, t),
            atr=self.atr[name][t],
            rsi=self.rsi[name][t],
            momentum=change(self.total[name], t, 20),
            sector=sector,
            sector_momentum=change(self.etf[SECTOR_ETFS[sector]], t, 20) if sector >= 0 else UNKNOWN,
        )


def by_session(table):
    """Minute bars by date, each with its number after the opening at 9:30 in New York."""
    result = {}
    for row in table.itertuples():
        local = row.time.tz_convert("America/New_York")
        bar = {field: getattr(row, field) for field in ("open", "high", "low", "close", "volume")}
        bar["minute"] = local.hour * 60 + local.minute - (9 * 60 + 30)
        result.setdefault(local.tz_localize(None).normalize(), []).append(bar)
    return result


def _lists(panel):
    return {column: panel[column].tolist() for column in panel.columns}


def known(value) -> bool:
    return value is not None and not math.isnan(value)


# Indicators


def average_true_range(high, low, close, n):
    result, average, first, previous = [], UNKNOWN, [], UNKNOWN
    for h, lo, c in zip(high, low, close, strict=True):
        if known(h) and known(lo) and known(c):
            true_range = max(h, previous) - min(lo, previous) if known(previous) else h - lo
            average, first = wilder(average, first, true_range, n)
            previous = c
        result.append(average)
    return result


def relative_strength(close, n):
    result, previous = [], UNKNOWN
    gain, loss, gains, losses = UNKNOWN, UNKNOWN, [], []
    for c in close:
        value = UNKNOWN
        if known(c):
            if known(previous):
                gain, gains = wilder(gain, gains, max(c - previous, 0.0), n)
                loss, losses = wilder(loss, losses, max(previous - c, 0.0), n)
            previous = c
            if known(gain):
                value = 100 * gain / (gain + loss) if gain + loss > 0 else 50.0
        result.append(value)
    return result


def wilder(average, first, value, n):
    """Next average, and the values collected until the first one exists."""
    if known(average):
        return (average * (n - 1) + value) / n, first
    first = [*first, value]
    return (sum(first) / n if len(first) == n else UNKNOWN), first


def change(series, t, sessions):
    return series[t] / series[t - sessions] - 1 if t >= sessions else UNKNOWN


def correlation(world, name, other, t):
    """Pearson correlation of two names' daily total returns, or NaN when they are no pair."""
    window = world.params.correlation_window
    pairs = []
    for row in range(max(t - window + 1, 1), t + 1):
        a, b = change(world.total[name], row, 1), change(world.total[other], row, 1)
        if known(a) and known(b):
            pairs.append((a, b))
    if len(pairs) < window / 2:
        return UNKNOWN
    mean_a, mean_b = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    covariance = sum((a - mean_a) * (b - mean_b) for a, b in pairs)
    spread = sum((a - mean_a) ** 2 for a, _ in pairs) * sum((b - mean_b) ** 2 for _, b in pairs)
    return covariance / math.sqrt(spread) if spread > 0 else UNKNOWN


# Decide


def decide(world, book, t) -> Orders:
    drawdown, multiplier, halted, forced = drawdown_step(world, book, t)
    exits, reductions, stops = [], [], {}
    for name, position in book.positions.items():
        look = world.outlook(name, t)
        stop, reached = stop_of(world, position, look)
        reason = exit_reason(world, name, position, look, t, reached=reached, forced=name in forced)
        if reason:
            exits.append((name, position.shares, reason))
            continue
        reason = reduction_reason(world, name, position, look, t)
        sold = max(1, math.floor(position.shares * world.params.reduce_fraction)) if reason else 0
        if sold:
            reductions.append((name, sold, reason))
        if sold < position.shares:
            stops[name] = stop
    passed, blocked = guards(world, book, t, halted)
    sizes = {name: size(world, name, t, count=len(passed), multiplier=multiplier) for name in passed}
    entries, too_small = caps(world, book, sizes, t)
    book.nav_before = book.nav
    return Orders(exits, reductions, entries, stops, blocked + too_small, drawdown, halted)


def drawdown_step(world, book, t):
    """Step 0: drawdown, multiplier, halt, and the held names that are forced out."""
    params, tiers = world.params, world.params.drawdown_tiers
    drawdown = book.nav / book.peak - 1
    above_first = not tiers or drawdown > tiers[0].drawdown
    if book.decisions_halted:
        if params.rearm_rule == "sessions" and book.decisions_halted >= params.rearm_sessions:
            book.peak, book.decisions_halted, drawdown, above_first = book.nav, 0, 0.0, True
        elif params.rearm_rule == "recovery" and above_first:
            book.decisions_halted = 0
    elif params.rearm_rule == "sessions" and book.decisions_under_tier >= params.tier_rearm_sessions:
        book.peak, drawdown, above_first = book.nav, 0.0, True
    if above_first:
        book.reached.clear()
    in_force = [tier for tier in tiers if drawdown <= tier.drawdown]
    forced = set()
    for tier in in_force:
        if tier.drawdown not in book.reached:
            book.reached.add(tier.drawdown)
            forced.update(lowest_scores(world, book, t)[: tier.forced_exits])
    multiplier = in_force[-1].multiplier if in_force else 1.0
    halted = multiplier == 0 or book.decisions_halted > 0
    if halted:
        book.decisions_halted += 1
    book.decisions_under_tier = book.decisions_under_tier + 1 if in_force and not halted else 0
    return drawdown, multiplier, halted, forced


def lowest_scores(world, book, t):
    def place(name):
        score = world.score[name][t]
        return (1, score, name) if known(score) else (0, 0.0, name)

    return sorted(book.positions, key=place)


def stop_of(world, position, look):
    """The stop for the next session, and whether the close has reached it without a veto."""
    params = world.params
    if known(look.atr):
        stop = position.high - params.atr_multiplier * look.atr
    else:
        stop = position.cost * (1 - params.fallback_stop_pct)
    if not (known(look.close) and look.close <= stop):
        return stop, False
    if not look.momentum - look.sector_momentum > params.sector_veto_pct:
        return stop, True
    if known(look.atr):
        return look.close - params.atr_multiplier * look.atr, False
    return look.close * (1 - params.fallback_stop_pct), False


def exit_reason(world, name, position, look, t, *, reached, forced):
    params, signal = world.params, world.signal[name][t]
    if signal == EXIT:
        return "research_exit"
    if reached:
        return "stop"
    if known(look.close) and look.close <= position.cost * (1 - params.loss_floor_pct):
        return "loss_floor"
    if position.entered < t and look.gap <= -params.gap_exit_pct:
        return "gap_exit"
    weak = look.momentum < params.momentum_exit_threshold and look.rsi < params.momentum_exit_rsi
    if known(look.close) and weak:
        return "momentum_exit"
    if signal in (NONE, HOLD) and position.held >= params.time_decay_exit_days:
        return "time_exit"
    return "drawdown_exit" if forced else None


def reduction_reason(world, name, position, look, t):
    params, signal = world.params, world.signal[name][t]
    if signal == REDUCE and world.age[t] == 0:
        return "research_reduce"
    gained = known(look.close) and look.close >= position.cost * (1 + params.profit_take_pct)
    if gained and not position.profit_taken:
        return "profit_take"
    waited = signal in (NONE, HOLD) and position.held >= params.time_decay_reduce_days
    return "time_reduce" if waited and not position.time_reduced else None


def guards(world, book, t, halted):
    """Step 2: names that may be entered, and what the first failing guard was of the others."""
    passed, blocked = [], []
    for name in world.tickers:
        if world.signal[name][t] == ENTER and name not in book.positions:
            rule = failed_guard(world, book, name, t, halted)
            if rule:
                blocked.append((name, rule))
            else:
                passed.append(name)
    return passed, blocked


def failed_guard(world, book, name, t, halted):
    params, look = world.params, world.outlook(name, t)
    if not (world.tradable[name][t] and world.member[name][t] and known(look.close)):
        return "not_tradable"
    if halted:
        return "halted"
    if book.nav / book.nav_before - 1 <= -params.daily_loss_limit:
        return "daily_loss"
    if name in book.stopped and t - book.stopped[name] < params.cooldown_sessions:
        return "cooldown"
    if not world.score[name][t] >= params.min_score:
        return "min_score"
    if world.conviction[name][t] == DECLINING and params.conviction_rule == "block":
        return "conviction"
    if look.momentum < params.momentum_gate_threshold:
        return "momentum_gate"
    if world.veto is not None and world.veto[name][t]:
        return "veto"
    if params.bear_blocks_underweight and world.regime[t] == BEAR and rating(world, look, t) < 0:
        return "bear_sector"
    return "correlation" if too_alike(world, book, name, look, t) else None


def rating(world, look, t):
    return world.rating[SECTORS[look.sector]][t] if look.sector >= 0 else 0


def too_alike(world, book, name, look, t):
    if look.sector < 0:
        return False
    peers = [other for other in book.positions if world.sector[other][t] == look.sector]
    values = [value for value in (correlation(world, name, other, t) for other in peers) if known(value)]
    return bool(values) and sum(values) / len(values) > world.params.correlation_block_threshold


def size(world, name, t, *, count, multiplier):
    """Step 3: the wanted weight, and whether the position cap cut it."""
    params, look = world.params, world.outlook(name, t)
    wanted = tilts(world, name, look, t) * base(params, count)
    cap = params.max_position_pct
    if world.regime[t] == BEAR:
        cap = min(cap, params.bear_max_position_pct)
    late = max(world.age[t] - params.staleness_grace, 0)
    staleness = max(1 - params.staleness_decay_per_day * late, params.staleness_floor)
    earnings = params.earnings_sizing_reduction if reports_soon(world, name, t) else 1.0
    return min(wanted, cap) * multiplier * staleness * earnings, wanted > cap


def base(params, count):
    if params.sizing_rule == "equal":
        return 1 / max(count, params.target_positions)
    p, b = params.kelly_win_rate, params.kelly_payoff
    return params.kelly_fraction * min(max((p * b - (1 - p)) / b, 0), params.kelly_cap)


def tilts(world, name, look, t):
    params = world.params
    tilt = {-1: params.sector_underweight, 0: 1.0, 1: params.sector_overweight}[rating(world, look, t)]
    if world.conviction[name][t] == DECLINING and params.conviction_rule == "reduce":
        tilt *= params.conviction_reduction
    if world.upside[name][t] < params.upside_minimum:
        tilt *= params.upside_reduction
    if world.percentile is not None and known(world.percentile[name][t]):
        tilt *= params.confidence_sizing_min + params.confidence_sizing_range * world.percentile[name][t]
    if known(look.atr):
        risk = look.atr / look.close
        steady = params.atr_sizing_target_risk / risk if risk > 0 else math.inf
        tilt *= min(max(steady, params.atr_sizing_min), params.atr_sizing_max)
    return tilt


def reports_soon(world, name, t):
    today = world.days[t]
    return any(
        report.ticker == name
        and report.scheduled <= today < report.date
        and sessions_from(today, report.date) <= world.params.earnings_proximity_days
        for report in world.reports
    )


def caps(world, book, sizes, t):
    """Step 4: whole shares within the room left by what is held and by the batch so far."""
    params, nav = world.params, book.nav
    in_sector = {}
    for name, position in book.positions.items():
        group = world.sector[name][t]
        in_sector[group] = in_sector.get(group, 0.0) + position.shares * world.last_close[name][t]
    invested, cash = sum(in_sector.values()), book.cash
    entries, blocked = [], []
    for name in sorted(sizes, key=lambda name: (-world.score[name][t], name)):
        weight, capped = sizes[name]
        if len(book.positions) + len(entries) >= params.max_positions:
            blocked.append((name, "max_positions"))
            continue
        close, group = world.close[name][t], world.sector[name][t]
        adv = mean_traded(world, name, t)
        wanted = weight * nav
        rooms = {
            "adv_cap": params.max_adv_pct * adv if adv > 0 else math.inf,
            "sector_cap": params.max_sector_pct * nav - in_sector.get(group, 0.0),
            "equity_cap": params.max_equity_pct * nav - invested,
            "cash": cash,
        }
        tightest = min(rooms, key=rooms.get)
        cut = rooms[tightest] < wanted
        shares = math.floor(max(min(wanted, rooms[tightest]), 0.0) / close)
        if shares == 0 or shares * close < params.min_order:
            blocked.append((name, tightest if cut else "below_minimum"))
            continue
        entries.append((name, shares, tightest if cut else "position_cap" if capped else ""))
        in_sector[group] = in_sector.get(group, 0.0) + shares * close
        invested += shares * close
        cash -= shares * close
    return entries, blocked


# A session


def session(world, book, orders, t, costs):
    """Session t, in the order of the text; changes `book` and returns fills from ticker to bound."""
    held_before = {name: position.shares for name, position in book.positions.items()}
    split(world, book, orders, t)
    for name, amount in world.actions.get((t, "dividend"), []):
        book.cash += held_before.get(name, 0) * amount
    fills = delist(world, book, t)
    fills += sell_at_open(world, book, orders, t, costs)
    bought = enter(world, book, orders, t, costs)
    fills += bought
    fills += sell_within_session(world, book, orders, t, costs)
    fills += sell_what_was_bought(world, book, bought, t, costs)
    close_session(world, book, t)
    return fills


def split(world, book, orders, t):
    ratios = {}
    for name, ratio in world.actions.get((t, "split"), []):
        ratios[name] = ratios.get(name, 1.0) * ratio
    for name, ratio in ratios.items():
        if name in book.positions:
            position = book.positions[name]
            exact = round(position.shares * ratio, 9)
            position.shares = math.floor(exact)
            book.cash += (exact - position.shares) * world.last_close[name][t - 1] / ratio
            position.cost /= ratio
            position.high /= ratio
            if position.shares == 0:
                del book.positions[name]
        if name in orders.stops:
            orders.stops[name] /= ratio
    for part in ("reductions", "entries"):
        scaled = [
            (name, math.floor(round(n * ratios.get(name, 1.0), 9)), why) for name, n, why in getattr(orders, part)
        ]
        setattr(orders, part, scaled)


def delist(world, book, t):
    fills = []
    ratios = dict(world.actions.get((t, "split"), []))
    for name, value in world.actions.get((t, "delisting"), []):
        if name in book.positions:
            position = book.positions.pop(name)
            price = world.last_close[name][t - 1] / ratios.get(name, 1.0) * (1 + value)
            book.cash += position.shares * price
            fills.append((name, "sell", position.shares, price, "delisting", "", "", -1))
    return fills


def mean_traded(world, name, t):
    """Mean value traded a day, of the last 20 sessions up to t."""
    rows = range(max(t - 19, 0), t + 1)
    traded = [world.close[name][row] * world.volume[name][row] for row in rows]
    traded = [value for value in traded if known(value)]
    return sum(traded) / len(traded) if len(traded) >= 10 else UNKNOWN


def slippage(world, costs, name, value, t):
    """Share of the price lost when trading in session t, by what was known at the close before."""
    before = range(max(t - 20, 0), t)
    adv = mean_traded(world, name, t - 1)
    returns = [change(world.total[name], row, 1) for row in before]
    returns = [value for value in returns if known(value)]
    moved = costs.slippage_bps / 1e4
    if len(returns) >= 10 and adv > 0:
        mean = sum(returns) / len(returns)
        volatility = math.sqrt(sum((value - mean) ** 2 for value in returns) / (len(returns) - 1))
        moved += costs.impact * volatility * math.sqrt(value / adv)
    return min(moved, 1.0)


def commission(costs, shares, value):
    least = min(costs.minimum_commission, 0.01 * value)
    return min(max(costs.commission_bps / 1e4 * value + costs.commission_per_share * shares, least), value)


def sell(world, book, name, shares, price, reason, costs, t, minute=-1):
    price *= 1 - slippage(world, costs, name, shares * price, t)
    book.cash += shares * price - commission(costs, shares, shares * price)
    book.positions[name].shares -= shares
    if book.positions[name].shares == 0:
        del book.positions[name]
    if reason in ("stop", "loss_floor", "gap_exit", "collapse"):
        book.stopped[name] = t
    return name, "sell", shares, price, reason, "", "", minute


def sell_at_open(world, book, orders, t, costs):
    fills = []
    for name, shares, reason in orders.exits + orders.reductions:
        if name not in book.positions or not known(world.open[name][t]) or shares == 0:
            continue
        position = book.positions[name]
        whole = any(name == exiting for exiting, *_ in orders.exits)
        if reason == "profit_take":
            position.profit_taken = True
        if reason == "time_reduce":
            position.time_reduced = True
        sold = position.shares if whole else shares
        fills.append(sell(world, book, name, sold, world.open[name][t], reason, costs, t))
    return fills


def enter(world, book, orders, t, costs):
    fills = []
    waiting = [(*place_of_entry(world, name, t), name, wanted, bound) for name, wanted, bound in orders.entries]
    for minute, trigger, price, high, name, wanted, bound in sorted(waiting, key=lambda entry: entry[0]):
        if not known(price) or (name in [gone for gone, _ in world.actions.get((t, "delisting"), [])]):
            continue
        shares = wanted
        while shares > 0 and outlay(world, costs, name, shares, price, t)[0] > book.cash:
            shares -= 1
        if shares > 0:
            spent, paid = outlay(world, costs, name, shares, price, t)
            book.cash -= spent
            book.positions[name] = Position(shares, cost=paid, high=max(paid, high) if known(high) else paid, entered=t)
            fills.append((name, "buy", shares, paid, "entry", bound, trigger, minute))
    return fills


def outlay(world, costs, name, shares, price, t):
    """What so many shares cost altogether, and the price paid for one."""
    paid = price * (1 + slippage(world, costs, name, shares * price, t))
    return shares * paid + commission(costs, shares, shares * paid), paid


def place_of_entry(world, name, t):
    """Minute, trigger, price and highest price from then on; minute −1 is the open of a daily bar."""
    bars = minutes_of(world, name, t)
    if not bars:
        return -1, "open", world.open[name][t], world.high[name][t]
    for number, bar in enumerate(bars):
        trigger = first_trigger(world, name, bars[:number], t)
        if (
            trigger is None
            and bar["minute"] >= session_minutes(world.days[t]) - world.params.expiry_minutes_before_close
        ):
            trigger = "expiry"
        if trigger:
            return bar["minute"], trigger, bar["open"], max(later["high"] for later in bars[number:])
    return -1, "", UNKNOWN, UNKNOWN


def first_trigger(world, name, seen, t):
    """What the first close among those seen was a trigger for, if any was."""
    params, support = world.params, twenty_session_low(world, name, t)
    for end in range(1, len(seen) + 1):
        bars, close = seen[:end], seen[end - 1]["close"]
        if close <= max(bar["high"] for bar in bars) * (1 - params.pullback_pct):
            return "pullback"
        traded = [bar for bar in bars if bar["volume"] > 0]
        volume = sum(bar["volume"] for bar in traded)
        value = sum(bar["volume"] * (bar["high"] + bar["low"] + bar["close"]) / 3 for bar in traded)
        if volume > 0 and close <= value / volume * (1 - params.vwap_discount_pct):
            return "vwap"
        if min(bar["low"] for bar in bars) >= support and close <= support * (1 + params.support_pct):
            return "support"
    return None


def twenty_session_low(world, name, t):
    """Of the sessions before t, in its units."""
    if t < 20:
        return UNKNOWN
    factor = world.split_factor[name]
    lows = [world.low[name][row] * factor[row] for row in range(t - 20, t) if known(world.low[name][row])]
    return min(lows) / factor[t - 1] / split_ratio(world, name, t) if lows else UNKNOWN


def split_ratio(world, name, t):
    return math.prod(value for other, value in world.actions.get((t, "split"), []) if other == name)


def sell_within_session(world, book, orders, t, costs):
    """Stops of names held since before; on minute bars they are guarded."""
    fills = []
    for name, stop in orders.stops.items():
        if name not in book.positions or stop <= 0:
            continue
        bars = minutes_of(world, name, t)
        if bars:
            fills += guard(world, book, name, bars, stop, t, costs)
        elif known(world.open[name][t]) and world.low[name][t] <= stop:
            price = min(world.open[name][t], stop)
            fills.append(sell(world, book, name, book.positions[name].shares, price, "stop", costs, t))
    return fills


def sell_what_was_bought(world, book, bought, t, costs):
    """Guard the names bought on minute bars, from the fill on, with the stop that was sent with the entry."""
    fills = []
    for name, *_, minute in bought:
        bars = minutes_of(world, name, t)
        if not bars:
            continue
        before = [bar["close"] for bar in bars if bar["minute"] < minute]
        price = before[-1] if before else world.last_close[name][t - 1] / split_ratio(world, name, t)
        stop = price - world.params.intraday_trail_atr * atr_in_units_of(world, name, t)
        if not stop > 0:
            stop = price * (1 - world.params.fallback_stop_pct)
        fills += guard(world, book, name, [bar for bar in bars if bar["minute"] >= minute], stop, t, costs)
    return fills


def minutes_of(world, name, t):
    return world.minutes.get(name, {}).get(world.days[t], [])


def atr_in_units_of(world, name, t):
    """The average true range of the close before, NaN when there is none."""
    atr = world.atr[name][t - 1]
    return atr / split_ratio(world, name, t) if atr > 0 else UNKNOWN


def guard(world, book, name, bars, stop, t, costs):
    """Exits on minute bars, of one position."""
    params, position, atr, fills = world.params, book.positions[name], atr_in_units_of(world, name, t), []
    waited_long = t - position.entered >= params.intraday_tight_sessions
    distance = (params.intraday_tight_atr if waited_long else params.intraday_trail_atr) * atr
    for number, bar in enumerate(bars):
        resting = stop
        if number > 0:
            top, close = max(earlier["high"] for earlier in bars[:number]), bars[number - 1]["close"]
            if close <= top * (1 - params.intraday_collapse_pct):
                return [
                    *fills,
                    sell(world, book, name, position.shares, bar["open"], "collapse", costs, t, bar["minute"]),
                ]
            if close >= position.cost * (1 + params.intraday_profit_pct) and not position.intraday_profit_taken:
                part = max(1, math.floor(position.shares * params.intraday_profit_fraction))
                fills.append(sell(world, book, name, part, bar["open"], "intraday_profit", costs, t, bar["minute"]))
                position.intraday_profit_taken = True
            resting = max(stop, top - distance) if known(distance) else stop
        if name in book.positions and bar["low"] <= resting:
            price = min(bar["open"], resting)
            return [*fills, sell(world, book, name, position.shares, price, "stop", costs, t, bar["minute"])]
        if name not in book.positions:
            break
    return fills


def close_session(world, book, t):
    for name, position in book.positions.items():
        if known(world.high[name][t]) and position.entered < t:
            position.high = max(position.high, world.high[name][t])
        if position.entered < t:
            position.held += 1
    book.nav = book.cash + sum(p.shares * world.last_close[name][t] for name, p in book.positions.items())
    book.peak = max(book.peak, book.nav)
