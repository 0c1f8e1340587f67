"""Repairs of tasks, timers, hooks, exceptions and loads, where the code has an odd shape."""

from __future__ import annotations

from textwrap import dedent

import pytest

from repairbot.lifetimes import intents
from repairbot.lifetimes.ops import Intent
from tests.languages.python.texts import span, written


def after(source: str, do: str, piece: str, args: dict[str, str] | None = None, place: str = "") -> str:
    source = dedent(source)
    at = span(source, piece)
    return written(source, Intent(do, at, place, args=args or {}, spans=(at,)))


def test_keep_handle_takes_a_free_name_and_the_set_that_is_there() -> None:
    source = """\
        import asyncio

        _background_tasks = set()

        def go(task):
            asyncio.create_task(
                task.run(),  # soon
            )
    """
    assert after(
        source, intents.KEEP_HANDLE, "asyncio.create_task(\n        task.run(),  # soon\n    )"
    ) == dedent(
        """\
        import asyncio

        _background_tasks = set()

        def go(task):
            background_task = asyncio.create_task(
                task.run(),  # soon
            )
            _background_tasks.add(background_task)
            background_task.add_done_callback(_background_tasks.discard)
    """
    )


def test_keep_handle_annotates_where_the_file_does() -> None:
    source = "import asyncio\n\ndef go(work) -> None:\n    asyncio.create_task(work())\n"
    got = after(source, intents.KEEP_HANDLE, "asyncio.create_task(work())")
    assert "\n_background_tasks: set[asyncio.Task[object]] = set()\n" in got


@pytest.mark.parametrize(
    "statement",
    [
        "x = asyncio.create_task(work())",
        "a(); asyncio.create_task(work())",
        "return asyncio.create_task(work())",
    ],
)
def test_keep_handle_refuses_other_statements(statement: str) -> None:
    source = f"import asyncio\n\ndef go(work):\n    {statement}\n"
    assert after(source, intents.KEEP_HANDLE, "asyncio.create_task(work())").startswith("refused")


@pytest.mark.parametrize(
    ("head", "rest"),
    [("", "_, pending"), ("done, _ = ", "done, pending"), ("done, left = ", "done, left")],
)
def test_cancel_pending_names_what_is_left(head: str, rest: str) -> None:
    source = f"async def go(a, b):\n    {head}await asyncio.wait({{a(), b()}}, timeout=1)\n    return 1\n"
    got = after(source, intents.CANCEL_PENDING, "asyncio.wait({a(), b()}, timeout=1)", {"tasks": ""})
    assert f"    {rest} = await asyncio.wait(" in got
    assert got.endswith(f"    for task in {rest.rpartition(' ')[2]}:\n        task.cancel()\n    return 1\n")


def test_cancel_pending_refuses_a_wait_in_another_function() -> None:
    source = "async def go(a):\n    t = spawn(a())\n    await other()\n"
    assert after(source, intents.CANCEL_PENDING, "spawn(a())", {"tasks": "t"}).startswith("refused")


def test_wrap_rest_keeps_comments_and_blank_lines() -> None:
    source = "async def run(app):\n    t = spawn(app())\n\n    # serve\n    yield\n    app.end()\n\n\nx = 1\n"
    assert after(source, intents.CANCEL_ON_EXIT, "spawn(app())", {"name": "t"}) == (
        "async def run(app):\n    t = spawn(app())\n\n    try:\n        # serve\n        yield\n        app.end()\n"
        "    finally:\n        t.cancel()\n\n\nx = 1\n"
    )


def test_wrap_rest_needs_a_rest() -> None:
    source = "def run(self):\n    atexit.register(self.stop)\n"
    got = after(source, intents.UNREGISTER_ON_EXIT, "atexit.register(self.stop)", {"line": "x()"})
    assert got == "refused: nothing follows in this block"


def test_drop_local_refuses_what_a_closure_needs() -> None:
    source = "def run(make):\n    f = make()\n    f.then(lambda: f)\n    return f\n"
    assert after(source, intents.DROP_LOCAL, "return f", place="f").startswith("refused")
    free = source.replace("lambda: f", "lambda f: f")
    assert after(free, intents.DROP_LOCAL, "return f", place="f").endswith(
        "    try:\n        return f\n    finally:\n        del f\n"
    )


def test_register_once_takes_all_that_makes_the_handlers() -> None:
    source = """\
        def get(path):
            log = getLogger()
            if path:
                one = File(path)
            else:
                one = Stream()
            one.setLevel(1)
            log.addHandler(one)
            log.addHandler(Stream())
            return log
    """
    args = {"test": "not log.handlers", "made": "one"}
    assert after(source, intents.REGISTER_ONCE, "log.addHandler(one)", args, "log") == dedent(
        """\
        def get(path):
            log = getLogger()
            if not log.handlers:
                if path:
                    one = File(path)
                else:
                    one = Stream()
                one.setLevel(1)
                log.addHandler(one)
                log.addHandler(Stream())
            return log
    """
    )


@pytest.mark.parametrize(
    ("between", "rest"),
    [("log.setLevel(1)", "return log"), ("pass", "return log, one")],
)
def test_register_once_refuses_what_else_would_depend_on_it(between: str, rest: str) -> None:
    source = f"""\
def get():
    log = getLogger()
    one = Stream()
    {between}
    log.addHandler(one)
    {rest}
"""
    args = {"test": "not log.handlers", "made": "one"}
    assert after(source, intents.REGISTER_ONCE, "log.addHandler(one)", args, "log").startswith("refused")


def test_keep_callback_takes_a_free_member() -> None:
    source = "class A:\n    def f(self):\n        self._cb = 1\n        s.connect(lambda: end(), 2)\n"
    at, statement = span(source, "lambda: end()"), span(source, "s.connect(lambda: end(), 2)")
    got = written(source, Intent(intents.KEEP_CALLBACK, at, args={"name": "self._cb"}, spans=(statement,)))
    assert got.endswith("        self._cb_2 = lambda: end()\n        s.connect(self._cb_2, 2)\n")


@pytest.mark.parametrize(
    ("call", "limited"),
    [
        ("cursor.fetchall()", "cursor.fetchmany(5)"),
        ("session.query(User).all()", "session.query(User).limit(5).all()"),
        ("db.users.find({})", "db.users.find({}).limit(5)"),
        ("db.users.find({}).to_list(None)", "db.users.find({}).to_list(length=5)"),
        ("User.objects.all()", "User.objects.all()[:5]"),
        ("rows()", "refused: the call is not a method's"),
    ],
)
def test_limit_query(call: str, limited: str) -> None:
    got = after(f"x = {call}\n", intents.LIMIT_QUERY, call, {"bound": "5"})
    assert got == (limited if limited.startswith("refused") else f"x = {limited}\n")


def test_a_teardown_takes_it_back_behind_its_guards() -> None:
    source = '''\
        class A:
            def close(self):
                """End."""
                if self.closed:
                    return
                self.file.close()
    '''
    args = {"container": "A", "method": "close", "line": "self.t.cancel()", "after": "", "early": "yes"}
    got = after(source, intents.ADD_TO_TEARDOWN, "self.file.close()", args)
    assert "            return\n        self.t.cancel()\n        self.file.close()\n" in got
