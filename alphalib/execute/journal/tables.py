"""Tables of the journal, in the file that also holds the settled trades. They change by addition."""

import sqlalchemy as sa

VERSION = 1
"""Of these tables; a journal of a later version is not written to."""

TABLES = sa.MetaData()
ABOUT = sa.Table(
    "journal",
    TABLES,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
INTENTS = sa.Table(
    "intents",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ref", sa.String, unique=True, nullable=False),
    sa.Column("session", sa.String(10), index=True, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("ticker", sa.String, nullable=False),
    sa.Column("side", sa.String, nullable=False),
    sa.Column("shares", sa.Integer, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("stop", sa.Float),
    sa.Column("parent", sa.String, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("trigger", sa.String, nullable=False),
    sa.Column("trigger_price", sa.Float),
    sa.Column("signal_price", sa.Float),
    sa.Column("last_price", sa.Float),
)
CHANGES = sa.Table(
    "changes",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ref", sa.String, index=True, nullable=False),
    sa.Column("session", sa.String(10), index=True, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("shares", sa.Integer),  # with `stop` NULL: to be cancelled
    sa.Column("stop", sa.Float),
    sa.Column("why", sa.String, nullable=False),
)
STANDINGS = sa.Table(
    "standings",
    TABLES,
    sa.Column("ref", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("arrived", sa.Boolean, nullable=False),
    sa.Column("shares", sa.Float, nullable=False),
    sa.Column("filled", sa.Float, nullable=False),
    sa.Column("stop", sa.Float),
    sa.Column("perm_id", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
FILLS = sa.Table(
    "fills",
    TABLES,
    sa.Column("root", sa.String, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("exec_id", sa.String, nullable=False),
    sa.Column("session", sa.String(10), index=True, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("ref", sa.String, nullable=False),
    sa.Column("perm_id", sa.BigInteger, nullable=False),
    sa.Column("ticker", sa.String, nullable=False),
    sa.Column("side", sa.String, nullable=False),
    sa.Column("shares", sa.Float, nullable=False),
    sa.Column("price", sa.Float, nullable=False),
    sa.Column("account", sa.String, nullable=False),
)
CHARGES = sa.Table(
    "charges",
    TABLES,
    sa.Column("exec_id", sa.String, primary_key=True),
    sa.Column("commission", sa.Float, nullable=False),
    sa.Column("realised", sa.Float),
)
FLAGS = sa.Table(
    "flags",
    TABLES,
    sa.Column("session", sa.String(10), primary_key=True),  # empty: in every session until it is taken back
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("ticker", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
MINUTES = sa.Table(
    "minutes",
    TABLES,
    sa.Column("session", sa.String(10), primary_key=True),
    sa.Column("ticker", sa.String, primary_key=True),
    sa.Column("minute", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Float, nullable=False) for name in ("open", "high", "low", "close", "volume")),
)
STATEMENTS = sa.Table(
    "statements",
    TABLES,
    sa.Column("session", sa.String(10), primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("nav", sa.Float, nullable=False),
    sa.Column("cash", sa.Float, nullable=False),
    sa.Column("accrued", sa.Float, nullable=False),
    sa.Column("positions", sa.JSON, nullable=False),
    sa.Column("spy_open", sa.Float),
    sa.Column("spy_last", sa.Float),
)
EVENTS = sa.Table(
    "events",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("session", sa.String(10), index=True, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("ticker", sa.String, nullable=False),
    sa.Column("ref", sa.String, nullable=False),
    sa.Column("text", sa.String, nullable=False),
)
