"""A removal that names something else than the registration did.

**What is wrong.** The code removes, and nothing goes: another function, another event, another key, a tuple
in another order. A lambda or a partial made on the spot equals no other, so it can never be removed.

**Evidence.** The registration and the removal stand in the same class, on the same target; or a container is
filled under `item.id` only and emptied under `item` only; or pairs go in one way round and are removed the
other way round.

**Repair.** The removal names what was registered.

**Quiet** where the removed handler is registered somewhere in the class too, where the handler comes out of
a variable, and where the name of a key may hold the key itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Registered
from repairbot.lifetimes.intents import KEEP_CALLBACK, REPLACE_ARGUMENT
from repairbot.lifetimes.ops import Intent, Removal
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms, problems, report


class MismatchedRemoval(Rule):
    """A removal that misses."""

    languages = ("python", "typescript", "javascript")
    severity = "high"
    practice = "Remove by the very key, handler and target that were registered."
    examples = (
        Repair(
            before="""\
class Panel:
    def open(self, bus):
        self.bus = bus
        self.bus.add_listener(self.on_event)

    def close(self):
        self.bus.remove_listener(self.on_events)

    def on_event(self, event):
        pass

    def on_events(self, events):
        pass
""",
            after="""\
class Panel:
    def open(self, bus):
        self.bus = bus
        self.bus.add_listener(self.on_event)

    def close(self):
        self.bus.remove_listener(self.on_event)

    def on_event(self, event):
        pass

    def on_events(self, events):
        pass
""",
            line=4,
        ),
        Repair(
            before="""\
class Panel:
    def open(self, bus):
        self.bus = bus
        self.bus.add_listener(lambda event: self.on_event(event))

    def close(self):
        self.bus.remove_listener(lambda event: self.on_event(event))
""",
            after=None,
            why="the lambda has to get a name first",
            line=4,
        ),
        Repair(
            before="""\
_open = {}


def started(job):
    _open[job.id] = job


def finished(job):
    _open.pop(job, None)
""",
            after="""\
_open = {}


def started(job):
    _open[job.id] = job


def finished(job):
    _open.pop(job.id, None)
""",
            line=5,
        ),
        Repair(
            before="""\
from heapq import heappush


class Expiry:
    def __init__(self, clock):
        self.clock = clock
        self.times = {}
        self.heap = []

    def add(self, key):
        now = self.clock()
        self.times[key] = now
        heappush(self.heap, (now, key))

    def discard(self, key):
        then = self.times.pop(key)
        self.heap.remove((key, then))
""",
            after="""\
from heapq import heappush


class Expiry:
    def __init__(self, clock):
        self.clock = clock
        self.times = {}
        self.heap = []

    def add(self, key):
        now = self.clock()
        self.times[key] = now
        heappush(self.heap, (now, key))

    def discard(self, key):
        then = self.times.pop(key)
        self.heap.remove((then, key))
""",
            line=13,
        ),
        Quiet(
            code="""\
class Sender:
    def attach(self, writer):
        self.writer = writer
        writer.add_done_callback(self.reset)

    def detach(self):
        self.writer.remove_done_callback(self.reset)

    def release(self):
        self.writer.add_done_callback(lambda task: self.finish())

    def reset(self, task):
        self.writer = None

    def finish(self):
        self.writer = None
""",
            why="the removal is meant for the other registration",
        ),
        Quiet(
            code="""\
class Panel:
    def open(self, bus):
        self.bus = bus
        self.bus.add_listener(self.on_event)
        self.bus.add_listener(self.on_error)

    def close(self):
        self.bus.remove_listener(self.on_error)
        self.bus.remove_listener(self.on_event)

    def on_event(self, event):
        pass

    def on_error(self, error):
        pass
""",
            why="each is removed, in another order",
        ),
        Quiet(
            code="""\
_open = {}


def started(job):
    _open[job.id] = job


def finished(job):
    job = job.id
    _open.pop(job, None)
""",
            why="the name holds the key itself by then",
        ),
        Repair(
            before="""export class Drag {
  start(): void {
    document.addEventListener('mousemove', this.move.bind(this));
  }

  stop(): void {
    document.removeEventListener('mousemove', this.move.bind(this));
  }

  private move(event: MouseEvent): void {}
}
""",
            after="""export class Drag {
  private readonly boundMove = this.move.bind(this);

  start(): void {
    document.addEventListener('mousemove', this.boundMove);
  }

  stop(): void {
    document.removeEventListener('mousemove', this.boundMove);
  }

  private move(event: MouseEvent): void {}
}
""",
            language="typescript",
        ),
        Repair(
            before="""class Drag {
  start () {
    this.element.on('move', this.move, this)
    this.element.on('end', this.end, this)
  }

  stop () {
    this.element.off('move', this.move, this)
    this.element.off('end', this.finish, this)
  }

  move () {}
  end () {}
}
""",
            after="""class Drag {
  start () {
    this.element.on('move', this.move, this)
    this.element.on('end', this.end, this)
  }

  stop () {
    this.element.off('move', this.move, this)
    this.element.off('end', this.end, this, this)
  }

  move () {}
  end () {}
}
""",
            language="javascript",
        ),
        Quiet(
            """export class Drag {
  private readonly moved = this.move.bind(this);

  start(): void {
    document.addEventListener('mousemove', this.moved);
  }

  stop(): void {
    document.removeEventListener('mousemove', this.moved);
  }

  private move(event: MouseEvent): void {}
}
""",
            "one bound function, added and removed",
            language="typescript",
        ),
        Quiet(
            code="""\
export class Keys {
  private readonly onKey = this.handle.bind(this);

  attach(): void {
    document.addEventListener("keydown", this.onKey, { passive: true });
  }

  dispose(): void {
    document.removeEventListener("keydown", this.onKey);
  }

  private handle(): void {}
}
""",
            why="the same function goes in and out; only the capture flag would tell them apart",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a registration or container."""
        for it in problems(facts, "listener", "mismatched"):
            listener = it.registration
            removal = _wrong(it)
            message = f"{removal.method}() removes another handler than was registered on {listener.target}"
            if removal.handler == listener.handler:
                message = f"registered for {listener.key}, removed for {removal.key}"
            if listener.holds == "throwaway" and removal.key == listener.key:
                message = f"{removal.method}() cannot remove what was made on the spot for {listener.key}"
            intents = _intents(it, removal)
            if not intents and facts.unit.language in ("typescript", "javascript"):
                intents = _kept(it, removal)
            yield report(
                it,
                listener.handler,
                message,
                intents,
                "what is made on the spot equals no other: give it a name",
            )
        yield from idioms(facts, "mismatched-removal")


def _wrong(it: Registered) -> Removal:
    """The removal that the analysis speaks of: the witness's last step."""
    return next(removal for removal in it.registration.removals if removal.at.line == it.steps[-1].line)


def _intents(it: Registered, removal: Removal) -> tuple[Intent, ...]:
    listener = it.registration
    if listener.holds != "method" or removal.handler_at is None or removal.handler == listener.handler:
        return ()
    args = {"text": listener.handler, "import": ""}
    return (
        Intent(REPLACE_ARGUMENT, removal.handler_at, listener.handler, f"remove {listener.handler}", args),
    )


def _kept(it: Registered, removal: Removal) -> tuple[Intent, ...]:
    """The handler becomes a member, which is registered and removed."""
    listener = it.registration
    if listener.handler_at is None or removal.handler_at is None or listener.holds != "throwaway":
        return ()
    args = {"container": listener.owner}
    spans = (listener.statement, removal.handler_at)
    return (Intent(KEEP_CALLBACK, listener.handler_at, "", "keep the handler in a member", args, spans),)
