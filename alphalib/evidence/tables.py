"""Tables of the ledger. They change by addition: an older ledger is given what it lacks when it is opened."""

import sqlalchemy as sa

TABLES = sa.MetaData()
TRIALS = sa.Table(
    "trials",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(16), unique=True, nullable=False),
    sa.Column("lineage", sa.String, index=True, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("configuration", sa.String(16), nullable=False),  # hash of kind and params: what a refit shares
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("data_hash", sa.String, nullable=False),
    sa.Column("code_version", sa.String, nullable=False),
    sa.Column("asof", sa.String, nullable=False),
    sa.Column("runs", sa.Integer, nullable=False),
    sa.Column("metrics", sa.JSON(none_as_null=True)),  # NULL until closed
    sa.Column("return_dates", sa.LargeBinary),  # int64 days since 1970
    sa.Column("return_values", sa.LargeBinary),  # float64
)
GRANTS = sa.Table(
    "grants",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("lineage", sa.String, nullable=False),
    sa.Column("quarter", sa.String(6), nullable=False),
    sa.Column("given_asof", sa.String, nullable=False),
    sa.Column("given_by", sa.String, nullable=False),
    sa.Column("id", sa.String(16)),  # with the rest NULL until used
    sa.Column("used_asof", sa.String),
    sa.Column("reason", sa.String),
    sa.UniqueConstraint("lineage", "quarter"),
)
PROMISES = sa.Table(
    "promises",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("lineage", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("measure", sa.String, nullable=False),
    sa.Column("asof", sa.String, nullable=False),
    sa.Column("first", sa.String, nullable=False),
    sa.Column("last", sa.String, nullable=False),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("low", sa.Float, nullable=False),
    sa.Column("high", sa.Float, nullable=False),
    sa.Column("level", sa.Float, nullable=False),
    sa.UniqueConstraint("lineage", "subject", "measure", "asof"),
)
