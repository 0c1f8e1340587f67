"""A queue without a capacity between a fast side and a slow one.

**What is wrong.** What fills the queue never waits, so all that the slow side has not taken yet stands in
memory: a whole response, when its client reads slowly.

**Evidence.** A queue made without a size in a function; a coroutine or callback fills it by `put`, which would
wait; a generator empties it, at the pace of whoever iterates. With low confidence also queues of long-lived
objects that one method fills and another empties in a loop.

**Repair.** A `maxsize`. It makes the filling side wait, and so the fix is unsafe: the filling side must not be
what empties the queue, and must not be needed when the reader has gone.

**Quiet** when it is filled by `put_nowait`, which would raise; and when it has a size.

**Rust.** Unbounded channels between actors are common and mostly right. Reported, and not repaired: one loop reads from
outside and sends what it gets, another waits for work of its own on each message.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Growing
from repairbot.lifetimes.intents import BOUND_CHANNEL
from repairbot.lifetimes.ops import Intent, Kind, Load
from repairbot.model import Impact, Settings, Span, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._growing import configured, symbol
from repairbot_rules._registered import idioms

_CHOICE = (
    "Nothing in the code names a capacity. With {} the filling side waits when the reader is that far behind."
)


def _intent(at: Span, place: str, bound: int) -> Intent:
    return Intent(
        BOUND_CHANNEL,
        at,
        place,
        f"a capacity of {bound:,}",
        {"bound": str(bound), "keyword": "maxsize"},
        safety="unsafe",
        choice=_CHOICE.format(f"{bound:,}"),
    )


def _local(load: Load, bound: int) -> Report:
    return Report(
        at=load.at,
        symbol=load.symbol,
        variable=load.place,
        message=f"{load.place} has no capacity and holds all that its reader has not taken yet",
        witness=(Step(load.at.line, "made without a size"), *load.evidence),
        confidence="medium",
        intents=(_intent(load.at, load.place, bound),),
        impact=Impact(
            "what is put × how far the reader is behind", "unbounded", f"at most {bound:,} entries"
        ),
    )


def _member(fact: Growing) -> Report:
    place, event = f"self.{fact.member.name}", fact.grows[0]
    made = fact.member.of(Kind.INIT)[0]
    return Report(
        at=event.at,
        symbol=symbol(fact, event),
        variable=place,
        message=f"{place} has no capacity",
        witness=(Step(made.at.line, "made without a size"), Step(event.at.line, "filled here")),
        evidence=fact.evidence,
        confidence="low",
        refusals=("whether the filling side may wait is not known",),
    )


class UnboundedChannel(Rule):
    """A queue without a capacity."""

    languages = ("python", "rust")
    practice = "A queue between two sides of different speed has a capacity."
    examples = (
        Repair(
            before="""\
import asyncio


async def relay(app, request):
    queue = asyncio.Queue()

    async def produce():
        await app(request, queue.put)
        await queue.put(None)

    task = asyncio.create_task(produce())

    async def stream():
        while (chunk := await queue.get()) is not None:
            yield chunk
        await task

    return stream()
""",
            after="""\
import asyncio


async def relay(app, request):
    queue = asyncio.Queue(maxsize=1000)

    async def produce():
        await app(request, queue.put)
        await queue.put(None)

    task = asyncio.create_task(produce())

    async def stream():
        while (chunk := await queue.get()) is not None:
            yield chunk
        await task

    return stream()
""",
            unsafe=True,
            line=5,
        ),
        Quiet(
            code="""\
import asyncio


async def relay(source):
    queue = asyncio.Queue()
    source.on_data(queue.put_nowait)

    async def stream():
        while (chunk := await queue.get()) is not None:
            yield chunk

    return stream()
""",
            why="put_nowait would raise when the queue is full",
        ),
        Quiet(
            code="""\
import asyncio


async def relay(app, request):
    queue = asyncio.Queue(maxsize=8)
    task = asyncio.create_task(app(request, queue.put))

    async def stream():
        while (chunk := await queue.get()) is not None:
            yield chunk

    return stream(), task
""",
            why="it has a size",
        ),
        Repair(
            before="""\
use std::collections::VecDeque;

pub struct Sender;

impl Sender {
    pub fn send(&self, _: String) {}
}

pub struct Receiver(VecDeque<String>);

impl Receiver {
    pub async fn recv(&mut self) -> Option<String> {
        self.0.pop_front()
    }
}

pub fn unbounded() -> (Sender, Receiver) {
    (Sender, Receiver(VecDeque::new()))
}

pub async fn store(_: String) {}

pub async fn serve(mut socket: Receiver) {
    let (lines, mut incoming) = unbounded();
    let read = async move {
        while let Some(line) = socket.recv().await {
            lines.send(line);
        }
    };
    let write = async move {
        while let Some(line) = incoming.recv().await {
            store(line).await;
        }
    };
    read.await;
    write.await;
}
""",
            after=None,
            language="rust",
            why="who waits when it is full is for the project to choose",
            line=24,
        ),
        Quiet(
            code="""\
use std::sync::mpsc;

pub struct Actor {
    orders: mpsc::Sender<u32>,
}

impl Actor {
    pub fn new() -> (Self, mpsc::Receiver<u32>) {
        let (orders, inbox) = mpsc::channel();
        (Actor { orders }, inbox)
    }

    pub fn order(&self, number: u32) {
        self.orders.send(number).ok();
    }
}
""",
            why="between actors, and nothing says that one side is faster",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a queue."""
        bound = configured(settings, self.id)
        for load in facts.unit.loads:
            if load.what == "channel" and not load.bounded:
                yield _local(load, bound)
        for fact in facts.growth.channels:
            yield _member(fact)
        yield from idioms(facts, self.id)
