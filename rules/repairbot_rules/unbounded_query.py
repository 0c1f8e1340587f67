"""A query without a limit, all of it in memory.

**What is wrong.** The table grows, and with it what one call holds: one day a request takes all the memory.

**Evidence.** The query is written out, has no condition and no limit, and all rows are listed. Where it stands
in a function that answers requests the confidence is medium; elsewhere it is low, since many tables stay small.

**Repair.** A limit. What is beyond it is left out, so that is a choice: pages may be what is wanted.

**Quiet** for queries with a condition, a limit, a slice, a page or an aggregate, and for queries that are
composed elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.lifetimes.intents import LIMIT_QUERY
from repairbot.lifetimes.ops import Intent
from repairbot.model import Impact, Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule


class UnboundedQuery(Rule):
    """All rows at once."""

    languages = ("python", "typescript", "javascript")
    severity = "low"
    practice = "Give every query a limit, and read on in pages."
    examples = (
        Repair(
            before="""\
@app.get("/events")
def events(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT id, body FROM events")
    return cursor.fetchall()
""",
            after="""\
@app.get("/events")
def events(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT id, body FROM events")
    return cursor.fetchmany(1000)
""",
            unsafe=True,
            line=5,
        ),
        Repair(
            before="""\
from motor.motor_asyncio import AsyncIOMotorClient


@router.get("/items")
async def items(db: AsyncIOMotorClient):
    return await db.items.find({}).to_list(None)
""",
            after="""\
from motor.motor_asyncio import AsyncIOMotorClient


@router.get("/items")
async def items(db: AsyncIOMotorClient):
    return await db.items.find({}).to_list(length=1000)
""",
            unsafe=True,
            line=6,
        ),
        Quiet(
            code="""\
def event(connection, number):
    cursor = connection.cursor()
    cursor.execute("SELECT id, body FROM events WHERE id = ?", (number,))
    return cursor.fetchall()
""",
            why="a condition",
        ),
        Quiet(
            code="""\
def names(connection):
    cursor = connection.cursor()
    cursor.execute("SELECT name FROM sqlite_master")
    return cursor.fetchall()
""",
            why="the catalogue of tables is small",
        ),
        Repair(
            before="""import { MongoClient } from 'mongodb';

export class Orders {
  constructor(private readonly client: MongoClient) {}

  async all(): Promise<Order[]> {
    return this.client.db().collection<Order>('orders').find({}).toArray();
  }
}
""",
            after="""import { MongoClient } from 'mongodb';

export class Orders {
  constructor(private readonly client: MongoClient) {}

  async all(limit = 1000): Promise<Order[]> {
    return this.client.db().collection<Order>('orders').find({}).limit(limit).toArray();
  }
}
""",
            language="typescript",
            unsafe=True,
        ),
        Quiet(
            """import { MongoClient } from 'mongodb';

export class Orders {
  constructor(private readonly client: MongoClient) {}

  async latest(count: number): Promise<Order[]> {
    return this.client.db().collection<Order>('orders').find({}).limit(count).toArray();
  }
}
""",
            "it has a limit",
            language="typescript",
        ),
        Quiet(
            code="""\
export async function latest(users: Collection<User>, name: string): Promise<User[]> {
  const recent = await users.find({}).sort({ at: -1 }).limit(50).toArray();
  const named = await users.find({ name }).toArray();
  return [...recent, ...named];
}
""",
            why="one has a limit, the other a condition",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a query."""
        bound = settings.bounds.get("unbounded-query", settings.bounds.get("default", 1000))
        for load in facts.loading:
            if load.what != "query":
                continue
            choice = f"rows beyond the first {bound:,} are left out; read in pages where all of them matter"
            intent = Intent(
                LIMIT_QUERY,
                load.at,
                load.place,
                f"read at most {bound:,}",
                {"bound": str(bound)},
                (),
                "unsafe",
                choice,
            )
            yield Report(
                load.at,
                load.symbol,
                load.place,
                "the query has no limit: all rows come into memory at once",
                (Step(load.at.line, "all rows are read here"),),
                load.evidence,
                "medium" if load.evidence else "low",
                intents=(intent,),
                impact=Impact(
                    "one object a row × the size of the table", "unbounded", f"at most {bound:,} rows"
                ),
            )
