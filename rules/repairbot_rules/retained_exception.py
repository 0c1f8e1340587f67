"""An exception that is kept, and with it every frame of its traceback.

**What is wrong.** An exception holds its traceback, the traceback holds the frames, and each frame holds its
locals: requests, responses, buffers. Where the exception is stored, all of them stay.

**Evidence.** A handler puts the exception into a collection of the object, or stores it (or something made of
it) in a long-lived object; a callback for errors stores what it was given; a future is given the exception of
the frame that returns it (a cycle that only the garbage collector opens); an exception is thrown on inside
its own handler in a loop.

**Repair.** Store it without its traceback; let the frame forget the future. What is stored then no longer
shows where the error came from: that is a choice.

**Quiet** where only words are kept (`str`, `repr`), where it is stored to be raised again, and where its
traceback is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repairbot.analyses.facts import Facts
from repairbot.model import Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms


class RetainedException(Rule):
    """An exception that outlives its handler."""

    practice = "Keep what an error says, not the exception; or drop its traceback first."
    examples = (
        Repair(
            before="""\
class Sender:
    def __init__(self, socket):
        self.socket = socket
        self.unsent = []

    def send(self, event):
        try:
            self.socket.send(event)
        except OSError as error:
            self.unsent.append((event, error))
""",
            after="""\
class Sender:
    def __init__(self, socket):
        self.socket = socket
        self.unsent = []

    def send(self, event):
        try:
            self.socket.send(event)
        except OSError as error:
            self.unsent.append((event, error.with_traceback(None)))
""",
            unsafe=True,
            line=10,
        ),
        Repair(
            before="""\
import sys


def run(make, work):
    def call(*args):
        future = make()
        try:
            future.set_result(work(*args))
        except Exception:
            future.set_exc_info(sys.exc_info())
        return future

    return call
""",
            after="""\
import sys


def run(make, work):
    def call(*args):
        future = make()
        try:
            future.set_result(work(*args))
        except Exception:
            future.set_exc_info(sys.exc_info())
        try:
            return future
        finally:
            del future

    return call
""",
            line=10,
        ),
        Quiet(
            code="""\
class Sender:
    def send(self, event):
        try:
            self.socket.send(event)
        except OSError as error:
            self.unsent.append((event, str(error)))
""",
            why="only its words are kept",
        ),
        Quiet(
            code="""\
class Worker:
    def run(self):
        try:
            self.work()
        except Exception as error:
            self.error = error

    def result(self):
        self.join()
        raise self.error
""",
            why="stored to be raised where it is asked for",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a function and place: other handlers that store the same are its evidence."""
        found: dict[tuple[str, str], list[Report]] = {}
        for report in idioms(facts, "retained-exception"):
            found.setdefault((report.symbol, report.variable), []).append(report)
        for first, *others in found.values():
            more = tuple(Step(other.at.line, "stored here, too") for other in others)
            yield replace(first, evidence=(*first.evidence, *more))
