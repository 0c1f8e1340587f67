"""A hook of the process that holds an object for ever.

**What is wrong.** `atexit`, `register_at_fork` and their kin keep what they are given until the process ends.
A bound method keeps its object, and all that the object holds, for as long; `__del__` never runs.

**Evidence.** The hook is registered in a method, names `self`, and nothing in the file takes it back. The
class is a thread (which ends long before the process) or has a teardown.

**Repair.** Take the hook back where the object ends; where the registry hands the object over itself, a
function that does not hold it.

**Quiet** for weak methods, for classes that the file makes once, where the hook is taken back, and where the
hook is a clean-up of its own that nothing else calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Registered
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, REPLACE_ARGUMENT, UNREGISTER_ON_EXIT
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import problems, report

_CALLED_BY_USERS = frozenset(
    "close aclose stop shutdown disconnect terminate dispose release quit destroy finish unload".split()
)
"""Teardowns that whoever has the object calls when he is done; other names are often the hook's alone."""


class GlobalHook(Rule):
    """A hook that is never taken back."""

    practice = "Take a process-wide hook back when its object ends, or give it nothing that holds the object."
    examples = (
        Repair(
            before="""\
import atexit


class Recorder:
    def __init__(self, path):
        self.file = open(path, "w")
        atexit.register(self.close)

    def close(self):
        self.file.close()
""",
            after="""\
import atexit


class Recorder:
    def __init__(self, path):
        self.file = open(path, "w")
        atexit.register(self.close)

    def close(self):
        atexit.unregister(self.close)
        self.file.close()
""",
            line=7,
        ),
        Repair(
            before="""\
import atexit
import threading


class Saver(threading.Thread):
    def run(self):
        atexit.register(self.stop)
        while self.work():
            self.save()

    def stop(self):
        self.stopped = True
""",
            after="""\
import atexit
import threading


class Saver(threading.Thread):
    def run(self):
        atexit.register(self.stop)
        try:
            while self.work():
                self.save()
        finally:
            atexit.unregister(self.stop)

    def stop(self):
        self.stopped = True
""",
            line=7,
        ),
        Repair(
            before="""\
from multiprocessing.util import register_after_fork


class Pool:
    def __init__(self):
        register_after_fork(self, self._reset)

    def _reset(self, pool):
        self.items = []

    def close(self):
        self.items = []
""",
            after="""\
from multiprocessing.util import register_after_fork


class Pool:
    def __init__(self):
        register_after_fork(self, lambda obj: obj._reset(obj))

    def _reset(self, pool):
        self.items = []

    def close(self):
        self.items = []
""",
            line=6,
        ),
        Quiet(
            code="""\
import atexit


class Recorder:
    def start(self):
        atexit.register(self.close)

    def close(self):
        atexit.unregister(self.close)
""",
            why="taken back in the teardown",
        ),
        Quiet(
            code="""\
import atexit


class Recorder:
    def __init__(self):
        atexit.register(self.close)

    def close(self):
        pass


recorder = Recorder()
""",
            why="one object for the whole process",
        ),
        Quiet(
            code="""\
import atexit
import shutil
import tempfile


class Shell:
    def __init__(self):
        self.folder = tempfile.mkdtemp()
        atexit.register(self.cleanup)

    def cleanup(self):
        shutil.rmtree(self.folder)
""",
            why="the hook alone calls it, when the process ends",
        ),
        Quiet(
            code="""\
import atexit


def save():
    print("saved")


atexit.register(save)
""",
            why="a function holds no object",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a hook."""
        for it in problems(facts, "hook", "strong"):
            hook = it.registration
            if hook.handler == f"self.{it.teardown}" and it.teardown not in _CALLED_BY_USERS:
                continue  # nobody but the hook calls it: there is no earlier end to take it back at
            message = f"{hook.call} holds {hook.handler} and its object until the process ends"
            refusal = f"{hook.call} cannot be taken back: give it no bound method"
            growth = "one object a registration × what it holds"
            yield report(it, hook.handler, message, _intents(it), refusal, growth)


def _intents(it: Registered) -> tuple[Intent, ...]:
    hook = it.registration
    if hook.weakly and hook.handler_at is not None:
        args = {"text": hook.weakly, "import": ""}
        return (Intent(REPLACE_ARGUMENT, hook.handler_at, hook.handler, "do not hold the object", args),)
    if not hook.remove or hook.holds != "method":
        return ()
    line = f"{hook.remove}({hook.handler})"
    if hook.method == "run":
        title = f"take it back when {hook.method}() ends"
        return (Intent(UNREGISTER_ON_EXIT, hook.at, hook.handler, title, {"line": line}, (hook.statement,)),)
    if not it.teardown or it.teardown == "__del__":
        return ()
    own = hook.handler == f"self.{it.teardown}"
    args = {"container": hook.owner, "method": it.teardown, "line": line, "after": "", "early": "yes"}
    return (
        Intent(
            ADD_TO_TEARDOWN,
            hook.at,
            hook.handler,
            f"take it back in {it.teardown}()",
            args,
            safety="safe" if own else "unsafe",
            choice="" if own else f"after {it.teardown}() the process ends without calling {hook.handler}",
        ),
    )
