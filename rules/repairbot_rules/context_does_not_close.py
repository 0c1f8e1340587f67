"""A `with` statement that ends something else.

**What is wrong.** `with sqlite3.connect(path) as db:` commits or rolls back at its end; the connection
stays open. The same holds for most DB-API connections.

**Evidence.** A resource whose scope construct is known not to release it is acquired in a `with` statement,
released nowhere, and handed to nobody.

**Repair.** `contextlib.closing` around it, with the transaction kept inside.

**Quiet** when the connection is closed somewhere, returned, or stored.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.lifetimes.intents import SCOPE_CLOSING
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import done, release_args, report, worst


class ContextDoesNotClose(Rule):
    """A scope that ends a transaction, not the connection."""

    practice = "`with` on a database connection ends the transaction: wrap it in `contextlib.closing`."
    in_tests = "low"
    examples = (
        Repair(
            before="""\
import sqlite3


def names(path):
    with sqlite3.connect(path) as db:
        return db.execute("select name from person").fetchall()
""",
            after="""\
import sqlite3
from contextlib import closing


def names(path):
    with closing(sqlite3.connect(path)) as db, db:
        return db.execute("select name from person").fetchall()
""",
            line=5,
        ),
        Quiet(
            code="""\
import aiohttp


async def reach(url):
    async with aiohttp.TCPConnector(limit=1) as connector:
        return connector
""",
            why="the connector is closed at the end",
        ),
        Quiet(
            code="""\
import sqlite3
from contextlib import closing


def names(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("select name from person").fetchall()
""",
            why="closed",
        ),
        Quiet(
            code="""\
import sqlite3


def names(path):
    db = sqlite3.connect(path)
    try:
        with db:
            return db.execute("select name from person").fetchall()
    finally:
        db.close()
""",
            why="the connection is closed in finally",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each scope that does not release."""
        for leak in facts.pairing.leaks:
            if leak.shape != "context":
                continue
            at = leak.acquired.expression or leak.acquired.at
            title = f"{done(leak.resource)} at the end of the scope"
            intent = Intent(SCOPE_CLOSING, at, leak.place, title, release_args(leak.resource))
            place = f"the {leak.resource.what}" if leak.place.startswith("%") else leak.place
            yield report(leak, f"{place} is not {done(leak.resource)} by its `with`", worst(leak), (intent,))
        for idiom in facts.unit.idioms:
            if idiom.name == self.id:
                yield Report(
                    idiom.at,
                    idiom.symbol,
                    idiom.place,
                    idiom.message,
                    idiom.steps,
                    evidence=idiom.evidence,
                    confidence=idiom.confidence,
                    intents=idiom.intents,
                )
