"""Tasks, timers, listeners and hooks: what is collected of them, and what is left alone."""

from __future__ import annotations

from textwrap import dedent

import pytest

from repairbot.languages.python import registrations
from repairbot.languages.python.syntax import Module
from repairbot.lifetimes.ops import Registration


def collect(source: str) -> list[Registration]:
    return registrations.collect(Module(dedent(source).encode(), "service.py"))


def one(source: str) -> Registration:
    found = collect(source)
    assert len(found) == 1
    return found[0]


# Tasks


def task(statement: str, *, before: str = "", decorator: str = "") -> list[Registration]:
    lines = ["import asyncio", decorator, "async def serve(app, loop, items, stop):"]
    return collect(
        "\n".join([*lines, *(f"    {line}" for line in [before, *statement.splitlines()] if line)]) + "\n"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "asyncio.create_task(app.work())",
        "asyncio.ensure_future(app.work())",
        "loop.create_task(app.work())",
        "app.loop.create_task(app.work())",
        "asyncio.get_running_loop().create_task(app.work())",
        "task = asyncio.create_task(app.work())",
    ],
)
def test_a_task_whose_handle_nobody_sees(statement: str) -> None:
    [found] = task(statement)
    assert (found.what, found.handle, found.handler) == ("task", "", "app.work()")


@pytest.mark.parametrize(
    "statement",
    [
        "return asyncio.create_task(app.work())",
        "await asyncio.create_task(app.work())",
        "items.append(asyncio.create_task(app.work()))",
        "items[0] = asyncio.create_task(app.work())",
        "task = asyncio.create_task(app.work())\nitems.append(task)",
        "task = asyncio.create_task(app.work())\nawait task",
        "task = asyncio.create_task(app.work())\ntask.cancel()",
        "bot.create_task(app.work())",
        "asyncio.ensure_future(future)",
        "asyncio.create_task(app.work())  # noqa: RUF006",
        "async with asyncio.TaskGroup() as group:\n    group.create_task(app.work())",
        "loop.create_task(app.work())\nloop.run_forever()",
    ],
)
def test_a_task_that_somebody_holds(statement: str) -> None:
    assert task(statement) == []


def test_an_imported_name_is_known() -> None:
    found = one("""
        from asyncio import create_task

        def notify(user):
            create_task(user.push())
    """)
    assert found.what == "task"


def test_what_a_wait_leaves_behind() -> None:
    [found] = task(
        """\
while True:
    first = asyncio.create_task(app.work())
    other = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({first, other}, return_when=asyncio.FIRST_COMPLETED)
    if other in done:
        break"""
    )
    assert found.pending
    assert found.looped
    assert found.handle == "first, other"


@pytest.mark.parametrize(
    "end",
    [
        "for task in pending:\n    task.cancel()",
        "await asyncio.gather(*pending)",
        "first.cancel()",
        "return pending",
    ],
)
def test_a_wait_whose_rest_is_looked_at(end: str) -> None:
    body = "first = asyncio.create_task(app.work())\ndone, pending = await asyncio.wait([first, stop], timeout=1)\n"
    assert task(body + end) == []


def test_a_wait_for_all_leaves_nothing() -> None:
    assert task("await asyncio.wait([asyncio.create_task(app.work())])") == []


def test_a_task_that_is_made_only_when_the_last_is_done() -> None:
    assert (
        task(
            """\
first = None
while True:
    if first is None:
        first = asyncio.create_task(app.work())
    done, _ = await asyncio.wait({first, stop}, return_when=asyncio.FIRST_COMPLETED)
    if first in done:
        first = None"""
        )
        == []
    )


def test_a_task_beside_a_service() -> None:
    [found] = task("asyncio.create_task(app.work())\nyield", decorator="@asynccontextmanager")
    assert found.resumes == 5


def test_a_member_that_loops_for_ever() -> None:
    found = one("""
        import asyncio

        class Poller:
            def __init__(self):
                self._task = None

            def start(self):
                self._task = asyncio.create_task(self._poll())

            async def _poll(self):
                while True:
                    await asyncio.sleep(1)

            def stop(self):
                print("stopped")
    """)
    assert (found.handle, found.teardown) == ("self._task", "stop")
    assert found.endless
    assert found.preset
    assert found.optional
    assert not found.kept


@pytest.mark.parametrize(
    "end",
    [
        "self._task.cancel()",
        "await self._task",
        "cancel_all([self._task])",
        "task = self._task",
        "task, self._task = self._task, None",
    ],
)
def test_a_member_that_other_code_sees(end: str) -> None:
    source = f"""
import asyncio

class Poller:
    def start(self):
        self._task = asyncio.create_task(self._poll())

    async def _poll(self):
        pass

    async def stop(self):
        {end}
"""
    assert one(source).kept


def test_the_teardown_is_the_counterpart_of_what_starts() -> None:
    source = """
        import asyncio

        class Voice:
            def connect(self):
                self._runner = asyncio.create_task(self.poll())

            def stop(self):
                pass

            def disconnect(self):
                pass
    """
    assert one(source).teardown == "disconnect"
    assert one(source.replace("def connect", "def start")).teardown == "stop"


def test_the_set_that_keeps_tasks_already() -> None:
    found = collect("""
        import asyncio

        class Server:
            def __init__(self):
                self._tasks = set()

            def one(self):
                task = asyncio.create_task(self.work())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

            def other(self):
                asyncio.create_task(self.work())
    """)
    assert [it.keeper for it in found if it.what == "task"] == ["self._tasks"]


# Timers


def timer(touch: str, rest: str = "") -> list[Registration]:
    head = "import threading\n\n\nclass Session:\n    def __init__(self, loop):\n        self.loop = loop\n"
    body = "".join(f"        {line}\n" for line in touch.splitlines())
    return collect(f"{head}\n    def touch(self):\n{body}\n{rest}")


CLOSE = "    def close(self):\n        self.expiry.cancel()\n"


def test_a_timer_over_one_that_may_still_run() -> None:
    [found] = timer("self.expiry = self.loop.call_later(60, self.expire)", CLOSE)
    assert found.looped
    assert found.kept


@pytest.mark.parametrize(
    "touch",
    [
        "if self.expiry is None:\n    self.expiry = self.loop.call_later(60, self.expire)",
        "self.expiry.cancel()\nself.expiry = self.loop.call_later(60, self.expire)",
        "self.expiry = self.loop.call_later(60, self.touch)",
    ],
)
def test_a_timer_that_takes_no_ones_place(touch: str) -> None:
    [found] = timer(touch, CLOSE)
    assert not found.looped


def test_a_timer_that_comes_back_for_ever() -> None:
    [found] = timer("self.loop.call_later(1, self.touch)", "    def close(self):\n        pass\n")
    assert found.endless
    assert found.handle == ""


def test_a_timer_that_fires_once_is_left_alone() -> None:
    assert timer("self.loop.call_later(1, self.expire)", CLOSE) == []
    assert timer("threading.Timer(1, self.expire).start()", CLOSE) == []


# Listeners


def listener(body: str, *, constructor: str = "self.bus = bus") -> list[Registration]:
    return collect(f"""
class Panel:
    def __init__(self, bus):
        {constructor}

    def open(self, app):
        {body}

    def on_event(self, event):
        pass

    def close(self):
        pass
""")


@pytest.mark.parametrize(
    ("constructor", "outlives", "own"),
    [
        ("self.bus = bus", True, False),
        ("self.bus = bus or BUS", True, False),
        ("self.bus = Bus()", False, True),
        ("self.bus = []", False, True),
    ],
)
def test_whose_the_target_is(constructor: str, outlives: bool, own: bool) -> None:
    [found] = listener("self.bus.add_listener(self.on_event)", constructor=constructor)
    assert (found.outlives, found.own) == (outlives, own)
    assert found.holds == "method"


@pytest.mark.parametrize(
    ("handler", "holds"),
    [
        ("self.on_event", "method"),
        ("self", "self"),
        ("lambda event: None", "throwaway"),
        ("functools.partial(self.on_event, 1)", "throwaway"),
        ("Handler()", "made"),
    ],
)
def test_what_a_handler_is(handler: str, holds: str) -> None:
    [found] = listener(f"self.bus.add_listener({handler})")
    assert found.holds == holds


@pytest.mark.parametrize("handler", ["on_event", "other.on_event", "5", "self.unknown"])
def test_a_handler_of_unknown_owner_is_left_alone(handler: str) -> None:
    assert listener(f"self.bus.add_listener({handler})") == []


def test_an_alias_of_the_target_is_looked_through() -> None:
    [found] = listener("event = app.buffer.on_insert\n        event.add_handler(self.on_event)")
    assert found.target == "app.buffer.on_insert"
    assert found.outlives


def test_the_event_is_told_from_the_handler() -> None:
    [found] = listener("self.bus.on('open', self.on_event)")
    assert (found.key, found.handler) == ("'open'", "self.on_event")


def test_weak_registrations_are_known() -> None:
    [found] = listener("self.bus.add_listener(self.on_event, weak=True)")
    assert found.kept


# Hooks


def test_a_hook_that_holds_its_object() -> None:
    found = one("""
        import atexit
        import threading

        class Saver(threading.Thread):
            def __init__(self):
                atexit.register(self.stop)

            def stop(self):
                pass
    """)
    assert (found.what, found.handler, found.guarded) == ("hook", "self.stop", False)
    assert "thread" in found.evidence[0].note


@pytest.mark.parametrize("handler", ["save", "Saver.stop", "weakref.WeakMethod(self.stop)"])
def test_a_hook_that_holds_nothing(handler: str) -> None:
    assert (
        collect(f"""
import atexit

class Saver:
    def __init__(self):
        atexit.register({handler})

    def stop(self):
        pass
""")
        == []
    )
