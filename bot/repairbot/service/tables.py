"""The tables of the ledger, and the way to their database: SQLite in a folder, or PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.schema import CreateIndex, CreateTable

_LOCK: Final = 7_203_114
"""PostgreSQL's advisory lock under which the tables are made; any number that nobody else uses."""

_META = sa.MetaData()
REVIEW = sa.Table(
    "repairbot_review",
    _META,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("delivery", sa.String, nullable=False),
    sa.Column("repo", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("head", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("said", sa.String, nullable=False),
    sa.Column("leaks", sa.Integer, nullable=False),
    sa.Column("waited", sa.Double, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("ended", sa.Double, nullable=False, index=True),
)
LEAK = sa.Table(
    "repairbot_leak",
    _META,
    sa.Column("repo", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("suggested", sa.Boolean, nullable=False),
    sa.Column("fixed", sa.Double),
    sa.Column("dismissed", sa.Double),
    sa.Column("changed", sa.Double, nullable=False, index=True),
)
COUNT = sa.Table(
    "repairbot_count",
    _META,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("a", sa.String, primary_key=True),
    sa.Column("b", sa.String, primary_key=True),
    sa.Column("n", sa.Double, nullable=False),
)
PROCESS = sa.Table(
    "repairbot_process",
    _META,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("memory", sa.Double, nullable=False),
    sa.Column("note", sa.String, nullable=False),
    sa.Column("started", sa.Double, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
)
LIMIT = sa.Table(
    "repairbot_limit",
    _META,
    sa.Column("installation", sa.BigInteger, primary_key=True),
    sa.Column("remaining", sa.Integer, nullable=False),
    sa.Column("most", sa.Integer, nullable=False),
    sa.Column("reset", sa.Double, nullable=False),
)
ASKED = sa.Table(
    "repairbot_redelivery",
    _META,
    sa.Column("guid", sa.String, primary_key=True),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("attempt", sa.BigInteger, nullable=False),
    sa.Column("last", sa.Double, nullable=False, index=True),
)


def engine(folder: Path, database: str = "") -> Engine:
    """The database with its tables. Raises SQLAlchemyError, OSError."""
    made = _postgresql(database) if database else _sqlite(folder)
    with made.begin() as line:
        if database:
            line.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        for table in _META.sorted_tables:
            line.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                line.execute(CreateIndex(index, if_not_exists=True))
    return made


def _postgresql(database: str) -> Engine:
    address = database.replace("postgres://", "postgresql://", 1)
    return sa.create_engine(
        address.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=2,
        max_overflow=4,
        pool_pre_ping=True,
    )


def _sqlite(folder: Path) -> Engine:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = sa.create_engine(f"sqlite:///{folder / 'ledger.sqlite'}", connect_args={"timeout": 20})

    @event.listens_for(made, "connect")
    def connected(line: Any, _record: object) -> None:
        # Transactions are ours to begin: one that reads first and writes then would be refused beside another.
        # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
        line.isolation_level = None
        line.execute("PRAGMA journal_mode=WAL")
        line.execute("PRAGMA synchronous=NORMAL")

    @event.listens_for(made, "begin")
    def begun(line: Connection) -> None:
        line.exec_driver_sql("BEGIN" if line.get_execution_options().get("reading") else "BEGIN IMMEDIATE")

    return made
