"""Name and release, release before an exit, on an error, the old value; teardowns, handlers, `closing`."""

from __future__ import annotations

from textwrap import dedent

import pytest

from repairbot.lifetimes.intents import (
    ADD_TO_TEARDOWN,
    NAME_AND_RELEASE,
    RELEASE_BEFORE,
    RELEASE_OLD,
    RELEASE_ON_ERROR,
    RESET_ON_ERROR,
    SCOPE_CLOSING,
    WIDEN_HANDLER,
)
from repairbot.lifetimes.ops import Intent
from tests.languages.python.texts import span, written

FILE = {"release": ".close", "scope": "releases", "name": "file"}


def clean(text: str) -> str:
    return dedent(text).removeprefix("\n")


def named(before: str, piece: str, **args: str) -> str:
    before = clean(before)
    return written(before, Intent(NAME_AND_RELEASE, span(before, piece), "%1", args={**FILE, **args}))


NAMED = {
    "returned": (
        """
        def f(p):
            return open(p).read()
        """,
        """
        def f(p):
            with open(p) as file:
                return file.read()
        """,
    ),
    "argument": (
        """
        def f(p):
            x = json.load(open(p))  # all
            return x
        """,
        """
        def f(p):
            with open(p) as file:
                x = json.load(file)  # all
            return x
        """,
    ),
    "loop": (
        """
        def f(p):
            # each
            for line in open(p):
                print(line)
                # inner
            else:
                done()
            return 1
        """,
        """
        def f(p):
            # each
            with open(p) as file:
                for line in file:
                    print(line)
                    # inner
                else:
                    done()
            return 1
        """,
    ),
    "comprehension": (
        """
        def f(p):
            rows = [line.strip() for line in open(p) if line]
            return rows
        """,
        """
        def f(p):
            with open(p) as file:
                rows = [line.strip() for line in file if line]
            return rows
        """,
    ),
    "condition": (
        """
        def f(p):
            if "x" in open(p).read():
                return 1
            return 2
        """,
        """
        def f(p):
            with open(p) as file:
                content = file.read()
            if "x" in content:
                return 1
            return 2
        """,
    ),
    "effect": (
        """
        def f(p):
            open(p)
        """,
        """
        def f(p):
            open(p).close()
        """,
    ),
    "name is taken": (
        """
        def f(p, file):
            file.x = open(p).read()
        """,
        """
        def f(p, file):
            with open(p) as file_2:
                file.x = file_2.read()
        """,
    ),
    "what is made of it is read behind": (
        """
        def f(p):
            rows = csv.reader(open(p))
            for row in rows:
                print(row)
            return 1
        """,
        """
        def f(p):
            with open(p) as file:
                rows = csv.reader(file)
                for row in rows:
                    print(row)
            return 1
        """,
    ),
    "item of a with": (
        """
        def f(p):
            with wrap(open(p)) as w:
                w.go()
        """,
        """
        def f(p):
            with open(p) as file, wrap(file) as w:
                w.go()
        """,
    ),
    "generator": (
        """
        def f(p):
            return sum(len(line) for line in open(p))
        """,
        """
        def f(p):
            with open(p) as file:
                return sum(len(line) for line in file)
        """,
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_named(name: str) -> None:
    before, after = NAMED[name]
    assert named(before, "open(p)") == clean(after)


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("x = first() + open(p).read()\n", "another call of the statement comes first"),
        ("x = a and open(p).read()\n", "only if the first operand"),
        ("x = open(p).read() if a else b\n", "on one branch"),
        ("x = [open(p).read() for p in ps]\n", "in each round"),
        ("x = (line for line in open(p))\n", "a generator still uses"),
        ("f = lambda: open(p).read()\n", "when a function is called"),
        ("while open(p).read():\n    pass\n", "each time the statement looks"),
        ("def f(p):\n    return csv.reader(open(p))\n", "what is returned still needs it"),
        ("if x: y = open(p).read()\n", "shares its line"),
        ("if a:\n    pass\nelif open(p).read():\n    pass\n", "when those before it fail"),
    ],
)
def test_not_named(before: str, why: str) -> None:
    found = named(before, "open(p)")
    assert found.startswith("refused: ")
    assert why in found


def test_named_with_finally() -> None:
    before = """
        import os

        def f(p):
            os.read(os.open(p), 4)
        """
    after = """
        import os

        def f(p):
            fd = os.open(p)
            try:
                os.read(fd, 4)
            finally:
                os.close(fd)
        """
    assert named(before, "os.open(p)", release="os.close", scope="none", name="fd") == clean(after)


def before_exit(before: str, leaving: str) -> str:
    before = clean(before)
    place = span(before, "f = open(p)")
    return written(
        before, Intent(RELEASE_BEFORE, place, "f", args={"release": ".close"}, spans=(span(before, leaving),))
    )


def test_before_an_exit() -> None:
    before = """
        def g(p):
            f = open(p)
            if not p: return 1
            return f.read(2)
        """
    assert before_exit(before, "return 1") == clean(before).replace(
        "if not p: return 1", "if not p:\n        f.close()\n        return 1"
    )
    assert before_exit(before, "return f.read(2)") == clean(before).replace(
        "    return f.read(2)", "    result = f.read(2)\n    f.close()\n    return result"
    )
    assert before_exit(before.replace("f.read(2)", "csv.reader(f)"), "return csv.reader(f)").startswith(
        "refused"
    )


def test_on_error() -> None:
    before = clean(
        """
        def dial(a):
            s = socket()
            # set it up
            s.settimeout(1)

            s.connect(a)  # may fail
            return s
        """
    )
    after = clean(
        """
        def dial(a):
            s = socket()
            try:
                # set it up
                s.settimeout(1)

                s.connect(a)  # may fail
            except BaseException:
                s.close()
                raise
            return s
        """
    )
    steps = (span(before, "s.settimeout(1)"), span(before, "s.connect(a)"))
    intent = Intent(
        RELEASE_ON_ERROR, span(before, "s = socket()"), "s", args={"release": ".close"}, spans=steps
    )
    assert written(before, intent) == after


def test_on_error_with_a_release_at_the_end_is_one_cleanup() -> None:
    before = clean(
        """
        def send(a):
            s = FTP()
            s.connect(a)
            s.quit()
        """
    )
    after = clean(
        """
        def send(a):
            s = FTP()
            try:
                s.connect(a)
            finally:
                s.quit()
        """
    )
    steps = (span(before, "s.connect(a)"),)
    args = {"release": ".quit", "scope": "none"}
    assert (
        written(before, Intent(RELEASE_ON_ERROR, span(before, "s = FTP()"), "s", args=args, spans=steps))
        == after
    )


def test_reset_on_error() -> None:
    before = clean(
        """
        class C:
            def __init__(self, p):
                self.f = open(p)
                self.n = 1
                self.head = self.f.read(2)
                self.table = parse(self.head)
                self.done = True
        """
    )
    after = clean(
        """
        class C:
            def __init__(self, p):
                self.f = open(p)
                self.n = 1
                try:
                    self.head = self.f.read(2)
                    self.table = parse(self.head)
                except BaseException:
                    self.f.close()
                    raise
                self.done = True
        """
    )
    intent = Intent(
        RESET_ON_ERROR,
        span(before, "self.f = open(p)"),
        "self.f",
        args={"statements": "self.f.close()"},
        spans=(span(before, "self.head = self.f.read(2)"),),
    )
    assert written(before, intent) == after


def test_the_old_value() -> None:
    before = clean(
        """
        class C:
            def __init__(self):
                self._log = None

            def rotate(self, p):
                self._log = open(p)
        """
    )
    intent = Intent(RELEASE_OLD, span(before, "self._log = open(p)"), "self._log", args={"release": ".close"})
    assert written(before, intent) == before.replace(
        "        self._log = open(p)\n",
        "        old_log = self._log\n        self._log = open(p)\n        if old_log is not None:\n"
        "            old_log.close()\n",
    )
    bare = before.replace("self._log = None", "pass")
    intent = Intent(RELEASE_OLD, span(bare, "self._log = open(p)"), "self._log", args={"release": ".close"})
    assert 'old_log = getattr(self, "_log", None)\n' in written(bare, intent)


@pytest.mark.parametrize(
    ("body", "line", "after"),
    [
        ("self.a.close()", "self.b.close()", "self.a.close()\n        self.b.close()"),
        ("self.a.close()", "self.t.cancel()", "self.t.cancel()\n        self.a.close()"),
        ('"""Doc."""\n        self.a.close()', "self.t.cancel()", None),
        ("pass", "self.b.close()", "self.b.close()"),
        ("self.a.close()\n        super().close()", "self.b.close()", None),
        ("self.a.close()\n        return 1", "self.b.close()", None),
    ],
)
def test_teardown(body: str, line: str, after: str | None) -> None:
    before = f"class C:\n    def close(self):\n        {body}\n\n    def other(self):\n        pass\n"
    if after is None:
        head, _, tail = body.rpartition("\n        ")
        after = f"{head}\n        {line}\n        {tail}"
    args = {"container": "C", "method": "close", "line": line, "after": ""}
    found = written(before, Intent(ADD_TO_TEARDOWN, span(before, "class C:"), args=args))
    assert found == before.replace(body, after, 1)


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("@abstractmethod\n    def close(self):\n        self.a.close()", "is @abstractmethod"),
        ("def close(this):\n        this.a.close()", "does not call its object self"),
        ("def close(self):\n        raise NotImplementedError", "left to subclasses"),
        ("def close(self):\n        self.b.close()", "has the line already"),
    ],
)
def test_no_teardown(head: str, why: str) -> None:
    before = f"class C:\n    {head}\n"
    args = {"container": "C", "method": "close", "line": "self.b.close()", "after": ""}
    assert why in written(before, Intent(ADD_TO_TEARDOWN, span(before, "class C:"), args=args))


def test_one_line_teardown() -> None:
    before = "class C:\n    def close(self): pass\n    x = 1\n"
    args = {"container": "C", "method": "close", "line": "self.b.close()", "after": ""}
    found = written(before, Intent(ADD_TO_TEARDOWN, span(before, "class C:"), args=args))
    assert found == "class C:\n    def close(self):\n        self.b.close()\n    x = 1\n"


def test_handler() -> None:
    before = "try:\n    a()\nexcept (A, B) as e:\n    c()\n    raise\n"
    args = {"type": "BaseException"}
    intent = Intent(WIDEN_HANDLER, span(before, "a()"), args=args, spans=(span(before, "(A, B)"),))
    assert written(before, intent) == before.replace("(A, B)", "BaseException")
    more = before + "except C:\n    pass\n"
    intent = Intent(WIDEN_HANDLER, span(more, "a()"), args=args, spans=(span(more, "(A, B)"),))
    assert "never be reached" in written(more, intent)


def test_scope_closing() -> None:
    before = "with connect(p) as db:\n    db.go()\n"
    intent = Intent(SCOPE_CLOSING, span(before, "connect(p)"), "db", args={"release": ".close"})
    head = "from contextlib import closing\n\n"
    assert written(before, intent) == head + "with closing(connect(p)) as db, db:\n    db.go()\n"
    before = "with connect(p):\n    go()\n"
    intent = Intent(SCOPE_CLOSING, span(before, "connect(p)"), "%1", args={"release": ".close"})
    assert written(before, intent) == head + "with closing(connect(p)) as connection, connection:\n    go()\n"
