"""What the lowering and the pairing analysis say together of small functions: each idiom once, held and quiet."""

from __future__ import annotations

import pytest

from repairbot.analyses import pairing
from repairbot.languages.base import Project
from repairbot.lifetimes.ops import Summary
from tests.languages.python.lowering import leaks, unit

HELD = {
    "opened and dropped": (
        """
        def f(p):
            h = open(p)
            h.read()
        """,
        ["f h never"],
    ),
    "read in an expression": (
        """
        def f(p):
            return open(p).read()
        """,
        ["f %1 nameless"],
    ),
    "lent to a loader": (
        """
        import json
        def f(p):
            return json.load(open(p))
        """,
        ["f %1 nameless"],
    ),
    "iterated without a name": (
        """
        def f(p):
            for line in open(p):
                work(line)
        """,
        ["f %1 nameless"],
    ),
    "in a comprehension": (
        """
        def f(p):
            return [line for line in open(p)]
        """,
        ["f %1 nameless"],
    ),
    "wrapped and read": (
        """
        import csv
        def f(p):
            return list(csv.reader(open(p)))
        """,
        ["f %1 nameless"],
    ),
    "closed after what can fail": (
        """
        def f(p):
            h = open(p)
            d = work(h.name)
            h.close()
            return d
        """,
        ["f h error"],
    ),
    "one exit forgets": (
        """
        def f(p):
            h = open(p)
            if h.name:
                return 1
            h.close()
        """,
        ["f h early-exit"],
    ),
    "continue forgets": (
        """
        def f(ps):
            for p in ps:
                h = open(p)
                if h.name:
                    continue
                h.close()
        """,
        ["f h early-exit"],
    ),
    "finally begins too late": (
        """
        def f(p):
            h = open(p)
            work()
            try:
                h.read()
            finally:
                h.close()
        """,
        ["f h late"],
    ),
    "a transaction is not a connection": (
        """
        import sqlite3
        def f(p):
            with sqlite3.connect(p) as db:
                db.execute('x')
        """,
        ["f db context"],
    ),
    "a second value in the name": (
        """
        def f(a, b):
            h = open(a)
            h = open(b)
            h.close()
        """,
        ["f h never"],
    ),
    "both names of a chain are one value": (
        """
        def f(p):
            a = b = open(p)
            a.read()
            b.read()
        """,
        ["f a never"],
    ),
    "a walrus": (
        """
        def f(p):
            if (h := open(p)):
                h.read()
        """,
        ["f h never"],
    ),
    "a receiver known by what made it": (
        """
        import socket
        def f():
            s = socket.socket()
            with s:
                c, _ = s.accept()
                c.recv(1)
        """,
        ["f c never"],
    ),
    "an import under another name": (
        """
        from io import open as o
        def f(p):
            h = o(p)
            h.read()
        """,
        ["f h never"],
    ),
    "asked for, then waited for": (
        """
        import aiohttp
        async def f(u):
            s = aiohttp.ClientSession()
            await s.get(u)
        """,
        ["f s never", "f %1 nameless"],
    ),
    "a streamed response": (
        """
        import requests
        def f(u):
            r = requests.get(u, stream=True)
            r.raise_for_status()
        """,
        ["f r never"],
    ),
    "a path's own open": (
        """
        def f(path):
            h = path.open('rb')
            return h.read()
        """,
        ["f h never"],
    ),
    "a descriptor handed back raw": (
        """
        import tempfile
        def f():
            fd, name = tempfile.mkstemp()
            return name
        """,
        ["f fd never"],
    ),
    "what a function here hands out": (
        """
        def make(p):
            return open(p)

        def use(p):
            h = make(p)
            h.read()
        """,
        ["use h never"],
    ),
    "what a method here hands out": (
        """
        class C:
            def make(self, p):
                return open(p)

            def use(self, p):
                h = self.make(p)
                h.read()
        """,
        ["C.use h never"],
    ),
    "a class that holds a resource": (
        """
        class C:
            def __init__(self, p):
                self.h = open(p)

            def close(self):
                self.h.close()

        def use(p):
            c = C(p)
            c.work()
        """,
        ["use c never"],
    ),
    "lent to a function here that only reads": (
        """
        def show(h):
            print(h.read())

        def use(p):
            h = open(p)
            show(h)
        """,
        ["use h never"],
    ),
    "a lambda that is called at once": (
        """
        import socket
        def f(a):
            s = socket.socket()
            retry(lambda: s.connect(a))
            s.send(b'')
        """,
        ["f s never"],
    ),
}

QUIET = {
    "with": """
        def f(p):
            with open(p) as h:
                return h.read()
        """,
    "two in one with": """
        def f(a, b):
            with open(a) as x, open(b) as y:
                y.write(x.read())
        """,
    "parenthesised with": """
        def f(a, b):
            with (open(a) as x, open(b) as y):
                y.write(x.read())
        """,
    "with on a name": """
        def f(p):
            h = open(p)
            with h:
                h.read()
        """,
    "closing": """
        import sqlite3
        from contextlib import closing
        def f(p):
            with closing(sqlite3.connect(p)) as db:
                db.execute('x')
        """,
    "try and finally": """
        def f(p):
            h = open(p)
            try:
                h.read()
            finally:
                h.close()
        """,
    "finally that asks first": """
        def f(p):
            h = None
            try:
                h = open(p)
                h.read()
            finally:
                if h is not None:
                    h.close()
        """,
    "finally that asks by truth": """
        def f(p):
            h = None
            try:
                h = open(p)
                h.read()
            finally:
                if h:
                    h.close()
        """,
    "a flag of ownership": """
        def f(p, h=None):
            own = False
            if h is None:
                h = open(p)
                own = True
            try:
                h.read()
            finally:
                if own:
                    h.close()
        """,
    "a condition that is not understood": """
        def f(p, keep):
            h = open(p)
            if not keep:
                h.close()
        """,
    "closed unless it is": """
        def f(p):
            h = open(p)
            try:
                h.read()
            finally:
                if not h.closed:
                    h.close()
        """,
    "descriptor that may be none": """
        import os
        def f(p):
            fd = -1
            try:
                fd = os.open(p, 0)
                os.read(fd, 1)
            finally:
                if fd >= 0:
                    os.close(fd)
        """,
    "returned": """
        def f(p):
            return open(p)
        """,
    "returned in a tuple": """
        def f(p):
            h = open(p)
            return p, h
        """,
    "stored in a member": """
        class C:
            def f(self, p):
                h = open(p)
                self.h = h
        """,
    "stored in a list": """
        def f(p, found):
            found.append(open(p))
        """,
    "stored by key": """
        def f(p, found):
            found[p] = open(p)
        """,
    "a global": """
        h = None
        def f(p):
            global h
            h = open(p)
        """,
    "passed to somebody": """
        def f(p):
            keep(open(p))
        """,
    "passed to a class": """
        def f(p):
            return Reader(open(p))
        """,
    "a closer by its name": """
        def f(p):
            h = open(p)
            close_quietly(h)
        """,
    "a function here that closes": """
        def end(h):
            h.close()

        def f(p):
            h = open(p)
            end(h)
        """,
    "registered at exit": """
        import atexit
        def f(p):
            h = open(p)
            atexit.register(h.close)
            h.name
        """,
    "a test's cleanup": """
        class T:
            def test(self):
                h = open('x')
                self.addCleanup(h.close)
        """,
    "an exit stack": """
        def f(p, stack):
            h = stack.enter_context(open(p))
            h.read()
        """,
    "a nested function closes it": """
        def f(p):
            h = open(p)

            def end():
                h.close()

            return end
        """,
    "a nested function uses it": """
        def f(p):
            h = open(p)

            def line():
                return h.readline()

            return line
        """,
    "a generator of its lines that is handed on": """
        def f(p):
            return (line for line in csv_lines(open(p)))
        """,
    "yielded in try": """
        def f(p):
            h = open(p)
            try:
                yield h
            finally:
                h.close()
        """,
    "descriptor into a file": """
        import os
        def f(p):
            fd = os.open(p, 0)
            with os.fdopen(fd) as h:
                h.read()
        """,
    "a wrapper closes what it wraps": """
        import io
        def f(p):
            with io.TextIOWrapper(open(p, 'rb')) as h:
                h.read()
        """,
    "another open": """
        def open(p):
            return p

        def f(p):
            h = open(p)
            h.read()
        """,
    "a parameter called open": """
        def f(p, open):
            h = open(p)
            h.read()
        """,
    "no stream": """
        import requests
        def f(u):
            r = requests.get(u)
            r.raise_for_status()
        """,
    "the process ends": """
        import sys
        def f(p):
            h = open(p)
            if not p:
                sys.exit(1)
            h.close()
        """,
    "the module's own file": """
        log = open('log')
        """,
    "read to its end": """
        import aiohttp
        async def f(u):
            async with aiohttp.ClientSession() as s:
                r = await s.get(u)
                return await r.json()
        """,
    "suppressed": """
        from contextlib import suppress
        def f(p):
            h = open(p)
            with suppress(BaseException):
                h.read()
            h.close()
        """,
    "a handler for all and then the close": """
        def f(p):
            h = open(p)
            try:
                h.read()
            except BaseException:
                pass
            h.close()
        """,
    "abstract methods tell nothing": """
        class C:
            def take(self, h):
                raise NotImplementedError

            def f(self, p):
                h = open(p)
                self.take(h)
        """,
}


@pytest.mark.parametrize("name", HELD)
def test_held(name: str) -> None:
    source, expected = HELD[name]
    assert leaks(source) == expected


@pytest.mark.parametrize("name", QUIET)
def test_quiet(name: str) -> None:
    assert leaks(QUIET[name]) == []


def test_a_class_that_holds_a_resource_is_offered_to_other_files() -> None:
    made = unit(
        """
        class C:
            def __init__(self, p):
                self.h = open(p)

            def close(self):
                self.h.close()
        """
    ).resources_made
    assert [(item.id, item.acquire, item.release, item.origin) for item in made] == [
        ("C", ("C",), (".close",), "inferred")
    ]


def test_what_functions_do_is_offered_to_other_files() -> None:
    ends = "def {}(handle):\n    handle.close()\n\n"
    source = "def make(p):\n    return open(p)\n\n" + ends.format("end") + ends.format("other")
    exports = unit(source, project=Project(asked=frozenset({"make", "end"}))).exports
    assert set(exports) == {"make", "end"}
    assert exports["make"].returns == "file"
    assert exports["end"].effects == {"handle": "releases"}


def test_other_files_are_asked_by_absolute_name() -> None:
    source = "from .tools import end\n\ndef f(p):\n    h = open(p)\n    end(h)\n"
    assert "pkg.sub.tools.end" in unit(source, "pkg/sub/mod.py").asks
    answer = Project(summaries={"pkg.sub.tools.end": Summary("end", ("h",), {"h": "borrows"})})
    found = pairing.analyse(unit(source, "pkg/sub/mod.py", answer)).leaks
    assert [leak.shape for leak in found] == ["never"]


def test_the_project_teaches_a_pair() -> None:
    own = ({"acquire": ["pool.take"], "release": ["pool.give"]},)
    taken = "def f(self):\n    c = self.pool.take()\n    c.work()\n"
    given = (
        "def f(pool):\n    c = pool.take()\n    try:\n        c.work()\n    finally:\n        pool.give(c)\n"
    )
    assert leaks(taken, own=own) == ["f c never"]
    assert leaks(given, own=own) == []


def test_a_function_that_does_not_parse_is_passed_over_alone() -> None:
    good = "def good(p):\n    h = open(p)\n    h.read()\n\n\n"
    found = unit(good + "def bad(p):\n    h = open(p)\n    return h ::\n")
    assert [function.symbol for function in found.functions] == ["good"]
    assert [step.note for step in found.skipped] == ["bad does not parse (line 8)"]


def test_cleanup_in_cleanup_in_cleanup_is_passed_over() -> None:
    lines, blank = ["def f(p):", "    h = open(p)"], "    "
    for depth in range(18):
        lines += [f"{blank}try:", f"{blank}    work({depth})"]
        lines += [f"{blank}    if p: return", f"{blank}finally:"]
        blank += "    "
    found = unit("\n".join([*lines, f"{blank}h.close()", ""]))
    assert [step.note for step in found.skipped] == ["f: too many paths; skipped"]


def test_an_expression_without_end_is_passed_over() -> None:
    found = unit("def f(p):\n    h = open(p)\n    return " + "[" * 400 + "]" * 400 + "\n")
    assert [step.note for step in found.skipped] == ["f: an expression is nested too deep; skipped"]
