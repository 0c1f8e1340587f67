"""A timer that outlives its owner, or whose handle is overwritten.

**What is wrong.** A timer that is still running calls back into an object that was closed, and keeps it in
memory until then; a periodic one keeps it for ever. Where a new timer is stored over one that may still run,
both will fire, and the first can no longer be stopped.

**Evidence.** The class has a teardown and nothing in the file stops the timer that a member keeps; or a
periodic timer's handle is dropped in such a class; or a method stores a new timer, other methods cancel that
member, and nothing on the way looks at the one before.

**Repair.** Stop it in the teardown; cancel the one before.

**Quiet** for timers that fire once and are not kept, for a timer that is set again by its own callback
(the old one has fired then), and for members that other code of the file touches.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Registered
from repairbot.lifetimes.intents import KEEP_HANDLE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import end_before_set, end_in_teardown, idioms, problems, report


class UnclearedTimer(Rule):
    """A timer nobody stops."""

    languages = ("python", "typescript", "javascript")
    practice = "Keep every timer's handle; cancel it before a new one and in the teardown."
    examples = (
        Repair(
            before="""\
import threading


class Heartbeat:
    def __init__(self, send):
        self.send = send
        self._timer = threading.Timer(5.0, self._beat)
        self._timer.start()

    def _beat(self):
        self.send()
        self._timer = threading.Timer(5.0, self._beat)
        self._timer.start()

    def close(self):
        self.send(final=True)
""",
            after="""\
import threading


class Heartbeat:
    def __init__(self, send):
        self.send = send
        self._timer = threading.Timer(5.0, self._beat)
        self._timer.start()

    def _beat(self):
        self.send()
        self._timer = threading.Timer(5.0, self._beat)
        self._timer.start()

    def close(self):
        self._timer.cancel()
        self.send(final=True)
""",
        ),
        Repair(
            before="""\
class Session:
    def __init__(self, loop):
        self.loop = loop
        self.expiry = None

    def touch(self):
        self.expiry = self.loop.call_later(60, self.expire)

    def expire(self):
        self.drop()

    def close(self):
        if self.expiry is not None:
            self.expiry.cancel()
""",
            after="""\
class Session:
    def __init__(self, loop):
        self.loop = loop
        self.expiry = None

    def touch(self):
        if self.expiry is not None:
            self.expiry.cancel()
        self.expiry = self.loop.call_later(60, self.expire)

    def expire(self):
        self.drop()

    def close(self):
        if self.expiry is not None:
            self.expiry.cancel()
""",
            unsafe=True,
            line=7,
        ),
        Quiet(
            code="""\
class Session:
    def __init__(self, loop):
        self.loop = loop
        self.expiry = None

    def touch(self):
        self._forget()
        self.expiry = self.loop.call_later(60, self.expire)

    def _forget(self):
        if self.expiry is not None:
            self.expiry.cancel()

    def close(self):
        self._forget()
""",
            why="a helper cancels the one before",
        ),
        Quiet(
            code="""\
class Ticker:
    def __init__(self, loop):
        self.loop = loop
        self.closed = False

    def tick(self):
        if self.closed:
            return
        self.loop.call_later(1, self.tick)

    def close(self):
        self.closed = True
""",
            why="it ends by itself once the object is closed",
        ),
        Repair(
            before="""export class Poller {
  private timer: ReturnType<typeof setInterval> | null = null;

  start(): void {
    this.timer = setInterval(() => this.poll(), 5000);
  }

  stop(): void {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
    }
  }

  private poll(): void {}
}
""",
            after="""export class Poller {
  private timer: ReturnType<typeof setInterval> | null = null;

  start(): void {
    if (this.timer) {
      clearInterval(this.timer);
    }
    this.timer = setInterval(() => this.poll(), 5000);
  }

  stop(): void {
    if (this.timer) {
      clearInterval(this.timer);
      this.timer = null;
    }
  }

  private poll(): void {}
}
""",
            language="typescript",
            unsafe=True,
        ),
        Repair(
            before="""export class Poller {
  private timer?: NodeJS.Timeout;
  private readonly agent = new Agent();

  constructor() {
    this.timer = setInterval(() => this.poll(), 5000);
  }

  dispose(): void {
    this.agent.destroy();
  }

  private poll(): void {}
}
""",
            after="""export class Poller {
  private timer?: NodeJS.Timeout;
  private readonly agent = new Agent();

  constructor() {
    this.timer = setInterval(() => this.poll(), 5000);
  }

  dispose(): void {
    this.agent.destroy();
    clearInterval(this.timer);
  }

  private poll(): void {}
}
""",
            language="typescript",
        ),
        Repair(
            before="""export class Poller {
  private readonly agent = new Agent();

  constructor() {
    setInterval(() => this.poll(), 5000);
  }

  dispose(): void {
    this.agent.destroy();
  }

  private poll(): void {}
}
""",
            after="""export class Poller {
  private readonly agent = new Agent();
  private interval?: ReturnType<typeof setInterval>;

  constructor() {
    this.interval = setInterval(() => this.poll(), 5000);
  }

  dispose(): void {
    this.agent.destroy();
    clearInterval(this.interval);
  }

  private poll(): void {}
}
""",
            language="typescript",
        ),
        Quiet(
            """export class Notice {
  show(): void {
    setTimeout(() => this.hide(), 3000);
  }

  dispose(): void {}

  private hide(): void {}
}
""",
            "a timer that fires once is over by itself",
            language="typescript",
        ),
        Quiet(
            code="""\
export class Toast {
  show(): void {
    setTimeout(() => this.hide(), 3000);
    setInterval(() => this.log(), 60_000).unref();
  }

  private hide(): void {}

  private log(): void {}

  dispose(): void {
    this.hide();
  }
}
""",
            why="one fires once, and nothing waits for the other",
            language="typescript",
        ),
        Quiet(
            code="""\
import { useEffect } from "react";

export function Clock({ onTick }: Props) {
  useEffect(() => {
    const id = setInterval(onTick, 1000);
    return () => clearInterval(id);
  }, [onTick]);
  return null;
}
""",
            why="what the effect hands back stops it",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a member, or a timer that no member keeps."""
        seen: set[tuple[str, str, str]] = set()
        for it in problems(facts, "timer", "dropped", "uncancelled", "overwritten"):
            timer = it.registration
            key = (timer.owner, timer.handle or timer.handler, it.problem)
            if key in seen:
                continue
            seen.add(key)
            if it.problem == "overwritten":
                message = f"{timer.handle} gets a new timer while the one before may still run"
                intents = (end_before_set(timer),) if timer.preset else ()
                refusal = f"{timer.handle} may not be set yet: set it to None in the constructor first"
                yield report(it, timer.handle, message, intents, refusal)
            elif it.problem == "dropped":
                message = f"the timer that calls {timer.handler} cannot be stopped"
                yield report(
                    it,
                    timer.handler,
                    message,
                    _kept(it) if facts.unit.language in ("typescript", "javascript") else (),
                    "no member keeps the handle: keep it, and stop it at the end",
                )
            else:
                yield report(
                    it,
                    timer.handle,
                    f"{timer.handle} still runs after {it.teardown}()",
                    end_in_teardown(it, timer.handle, timer.remove),
                    f"{timer.handle} may not be set yet in {it.teardown}(): set it to None in the constructor first",
                )
        yield from idioms(facts, self.id)


def _kept(it: Registered) -> tuple[Intent, ...]:
    """A member keeps the timer, and the teardown stops it."""
    timer = it.registration
    args = {"container": timer.owner, "what": "timer", "method": it.teardown, "remove": timer.remove}
    title = f"keep it and stop it in {it.teardown}()"
    return (Intent(KEEP_HANDLE, timer.at, "", title, args, (timer.statement,)),)
