"""Release on exit: texts before and after."""

from __future__ import annotations

from textwrap import dedent

import pytest

from repairbot import languages
from repairbot.examine import examine
from repairbot.lifetimes.intents import RELEASE_ON_EXIT
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from tests.languages.python.texts import span, written


def release(
    source: str,
    acquire: str,
    *releases: str,
    place: str = "f",
    release: str = ".close",
    scope: str = "releases",
    asynchronous: str = "",
) -> str:
    """The text with `place` released on exit; `releases` are the explicit ones, one for each occurrence."""
    seen: dict[str, int] = {}
    spans = []
    for item in releases:
        spans.append(span(source, item, seen.get(item, 0)))
        seen[item] = seen.get(item, 0) + 1
    args = {"release": release, "scope": scope, "asynchronous": asynchronous}
    return written(
        source, Intent(RELEASE_ON_EXIT, span(source, acquire), place, args=args, spans=tuple(spans))
    )


CASES = {
    "the last use": (
        """
        def f(p):
            f = open(p)  # why
            # read it
            data = f.read()
            f.close()
            return data
        """,
        ("f = open(p)", "f.close()"),
        """
        def f(p):
            with open(p) as f:  # why
                # read it
                data = f.read()
            return data
        """,
    ),
    "never closed, used to the end": (
        """
        def f(p):
            f = open(p)
            for line in f:
                if line:
                    return line
            return None
        """,
        ("f = open(p)",),
        """
        def f(p):
            with open(p) as f:
                for line in f:
                    if line:
                        return line
            return None
        """,
    ),
    "multi-line strings stay, comments move, blank lines tidy": (
        '''
        def f(p):
            f = open(p, "w")

            f.write("""a
          b
        """)
            # more
            f.write(
                "x" \\
                "y"
            )

            f.close()

            done()
        ''',
        ('f = open(p, "w")', "f.close()"),
        '''
        def f(p):
            with open(p, "w") as f:
                f.write("""a
          b
        """)
                # more
                f.write(
                    "x" \\
                    "y"
                )

            done()
        ''',
    ),
    "closed before a raise as well": (
        """
        def f(p):
            f = open(p)
            if not f.read(1):
                log.error("empty")
                f.close()
                raise ValueError(p)
            data = f.read()
            f.close()
            return data
        """,
        ("f = open(p)", "f.close()", "f.close()"),
        """
        def f(p):
            with open(p) as f:
                if not f.read(1):
                    log.error("empty")
                    raise ValueError(p)
                data = f.read()
            return data
        """,
    ),
    "a derived reader holds it": (
        """
        def f(p):
            f = open(p)
            rows = csv.reader(f)
            for row in rows:
                print(row)
            return 1
        """,
        ("f = open(p)",),
        """
        def f(p):
            with open(p) as f:
                rows = csv.reader(f)
                for row in rows:
                    print(row)
            return 1
        """,
    ),
    "late finally": (
        """
        def f(p):
            f = open(p)
            head = size(p)
            try:
                # read
                return f.read(head)
            finally:
                f.close()
        """,
        ("f = open(p)", "f.close()"),
        """
        def f(p):
            with open(p) as f:
                head = size(p)
                # read
                return f.read(head)
        """,
    ),
    "late finally with a handler": (
        """
        def f(p):
            f = open(p)
            head = size(p)
            try:
                return f.read(head)
            except OSError:
                return None
            finally:
                f.close()
        """,
        ("f = open(p)", "f.close()"),
        """
        def f(p):
            with open(p) as f:
                head = size(p)
                try:
                    return f.read(head)
                except OSError:
                    return None
        """,
    ),
    "nothing but the effect": (
        """
        def f(p):
            f = open(p, "w")
            return p
        """,
        ('f = open(p, "w")',),
        """
        def f(p):
            open(p, "w").close()
            return p
        """,
    ),
    "nested function": (
        """
        def f(p):
            f = open(p)
            def read():
                return f.read()
            return read
        """,
        ("f = open(p)",),
        "refused: a nested function (line 3) still uses f",
    ),
    "lambda": (
        """
        def f(p):
            f = open(p)
            return lambda: f.read()
        """,
        ("f = open(p)",),
        "refused: a nested function (line 3) still uses f",
    ),
    "generator": (
        """
        def f(p):
            f = open(p)
            return (line.strip() for line in f)
        """,
        ("f = open(p)",),
        "refused: what line 3 returns still needs f",
    ),
    "returned reader": (
        """
        def f(p):
            f = open(p)
            rows = csv.reader(f)
            return rows
        """,
        ("f = open(p)",),
        "refused: what line 4 returns still needs f",
    ),
    "used outside": (
        """
        def f(p):
            if p:
                f = open(p)
            return f.read()
        """,
        ("f = open(p)",),
        "refused: f is still used at line 4, outside of the block that acquires it",
    ),
    "in a branch": (
        """
        def f(p):
            if p:
                f = open(p)
                x = f.read()
            else:
                x = ""
            return x
        """,
        ("f = open(p)",),
        """
        def f(p):
            if p:
                with open(p) as f:
                    x = f.read()
            else:
                x = ""
            return x
        """,
    ),
    "twice one after the other": (
        """
        def f(p):
            f = open(p)
            a = f.read()
            f = open(p + "2")
            b = f.read()
            return a + b
        """,
        ("f = open(p)",),
        """
        def f(p):
            with open(p) as f:
                a = f.read()
            f = open(p + "2")
            b = f.read()
            return a + b
        """,
    ),
    "reassigned within": (
        """
        def f(p):
            f = open(p)
            if p:
                f = wrap(f)
            return f.read()
        """,
        ("f = open(p)",),
        "refused: f gets a new value at line 4",
    ),
    "module level, no line end": (
        """
        f = open("a")
        x = f.read()""",
        ('f = open("a")',),
        """
        with open("a") as f:
            x = f.read()""",
    ),
    "closed, then its name is read": (
        """
        def f():
            f = NamedTemporaryFile(delete=False)
            f.write(b"x")
            f.close()
            return f.name
        """,
        ("f = NamedTemporaryFile(delete=False)", "f.close()"),
        """
        def f():
            with NamedTemporaryFile(delete=False) as f:
                f.write(b"x")
            return f.name
        """,
    ),
    "released early in a branch that goes on": (
        """
        def f(p):
            f = open(p, "w")
            if p:
                f.close()
                return upload(p)
            f.write("x")
            f.close()
            return 1
        """,
        ('f = open(p, "w")', "f.close()", "f.close()"),
        """
        def f(p):
            with open(p, "w") as f:
                if p:
                    f.close()
                    return upload(p)
                f.write("x")
            return 1
        """,
    ),
    "aligned arguments": (
        """
        def f(p):
            pf = open(p,
                      "w",
                      encoding="x")
            pf.write("x")
            pf.close()
        """,
        ("pf = open(", "pf.close()"),
        """
        def f(p):
            with open(p,
                      "w",
                      encoding="x") as pf:
                pf.write("x")
        """,
    ),
    "made in both branches": (
        """
        def f(p):
            if p:
                f = gzip.open(p)
            else:
                # plain
                f = open(p)
                # inner

            x = f.read()
            f.close()
            return x
        """,
        ("f = open(p)", "f.close()"),
        """
        def f(p):
            if p:
                f = gzip.open(p)
            else:
                # plain
                f = open(p)
                # inner

            with f:
                x = f.read()
            return x
        """,
    ),
    "made in one branch only": (
        """
        def f(p):
            if p:
                f = open(p)
            else:
                f = sys.stdin
            return f.read()
        """,
        ("f = open(p)",),
        "refused: f is still used at line 6, outside of the block that acquires it",
    ),
    "made by another call in the other branch": (
        """
        def f(p):
            try:
                f = open(p)
            except OSError:
                f = find(p)
            x = f.read()
            f.close()
        """,
        ("f = open(p)", "f.close()"),
        """
        def f(p):
            try:
                f = open(p)
            except OSError:
                f = find(p)
            try:
                x = f.read()
            finally:
                f.close()
        """,
    ),
    "semicolons": (
        """
        def f(p):
            f = open(p); x = f.read()
            return x
        """,
        ("f = open(p)",),
        "refused: the acquisition shares its line with other statements",
    ),
    "in a loop, read before": (
        """
        def f(ps):
            for p in ps:
                if p.again:
                    f.read()
                f = open(p)
        """,
        ("f = open(p)",),
        "refused: f is still used at line 4, outside of the block that acquires it",
    ),
    "a comment behind the release": (
        """
        def f(p):
            f = open(p)
            f.read()
            f.close()  # at last
        """,
        ("f = open(p)", "f.close()"),
        """
        def f(p):
            with open(p) as f:
                f.read()
            # at last
        """,
    ),
    "for else and comments at the end": (
        """
        def f(p):
            f = open(p)
            for x in f:
                pass
                # inner
            else:
                g()
            # outer
            return 1
        """,
        ("f = open(p)",),
        """
        def f(p):
            with open(p) as f:
                for x in f:
                    pass
                    # inner
                else:
                    g()
            # outer
            return 1
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_with(name: str) -> None:
    before, pieces, after = CASES[name]
    before = dedent(before).removeprefix("\n")
    after = dedent(after).removeprefix("\n")
    place = pieces[0].partition(" ")[0]
    assert release(before, *pieces, place=place) == after
    tabs = before.replace("    ", "\t").replace("\n", "\r\n")
    if "    " in before and '"""' not in before:
        pieces = tuple(piece.replace("    ", "\t").replace("\n", "\r\n") for piece in pieces)
        wanted = after if after.startswith("refused") else after.replace("    ", "\t").replace("\n", "\r\n")
        assert release(tabs, *pieces, place=place) == wanted


def test_a_process_that_nobody_waits_for() -> None:
    before = "def f(c):\n    p = Popen(c)\n    log(p.pid)\n"
    assert "meant to run on" in release(before, "p = Popen(c)", place="p", release=".wait")
    before = "def f(c):\n    p = Popen(c,\n              2)\n    return p.stdout.read()\n"
    after = "def f(c):\n    with Popen(c,\n               2) as p:\n        return p.stdout.read()\n"
    assert release(before, "p = Popen(c,\n              2)", place="p", release=".wait") == after


def test_closing() -> None:
    before = dedent(
        """\
        import os

        def f(p):
            con = connect(p)
            con.execute("x")
            con.close()
        """
    )
    after = dedent(
        """\
        import os
        from contextlib import closing

        def f(p):
            with closing(connect(p)) as con:
                con.execute("x")
        """
    )
    assert release(before, "con = connect(p)", "con.close()", place="con", scope="other") == after
    assert release(before, "con = connect(p)", "con.close()", place="con", scope="none") == after


def test_finally() -> None:
    before = dedent(
        """\
        import os

        def f(p):
            fd = os.open(p, os.O_RDONLY)

            # first
            os.read(fd, 1)
            return 2
        """
    )
    after = dedent(
        """\
        import os

        def f(p):
            fd = os.open(p, os.O_RDONLY)

            try:
                # first
                os.read(fd, 1)
            finally:
                os.close(fd)
            return 2
        """
    )
    assert (
        release(before, "fd = os.open(p, os.O_RDONLY)", place="fd", release="os.close", scope="none") == after
    )


def test_finally_keeps_the_explicit_release() -> None:
    before = dedent(
        """\
        def f(p):
            pool = Pool(p)
            pool.go()

            # over
            pool.shutdown(wait=False)  # at once
            return 2
        """
    )
    after = dedent(
        """\
        def f(p):
            pool = Pool(p)
            try:
                pool.go()
            finally:
                # over
                pool.shutdown(wait=False)  # at once
            return 2
        """
    )
    found = release(before, "pool = Pool(p)", "pool.shutdown(wait=False)", place="pool", release=".shutdown")
    assert found == after


def test_finally_moves_a_late_try() -> None:
    before = dedent(
        """\
        def f(p):
            lock = take(p)
            x = size(p)
            try:
                return use(lock, x)
            finally:
                lock.give(p)
        """
    )
    after = dedent(
        """\
        def f(p):
            lock = take(p)
            try:
                x = size(p)
                return use(lock, x)
            finally:
                lock.give(p)
        """
    )
    assert (
        release(before, "lock = take(p)", "lock.give(p)", place="lock", release=".give", scope="none")
        == after
    )


def test_asynchronous() -> None:
    before = dedent(
        """\
        async def f(u):
            s = ClientSession()
            r = await s.get(u)
            await s.close()
        """
    )
    after = dedent(
        """\
        async def f(u):
            async with ClientSession() as s:
                r = await s.get(u)
        """
    )
    assert release(before, "s = ClientSession()", "await s.close()", place="s", asynchronous="yes") == after
    plain = before.replace("async def", "def").replace("await ", "")
    assert release(plain, "s = ClientSession()", place="s", asynchronous="yes").startswith("refused")


def test_a_block_that_nobody_could_review() -> None:
    source = "def f(p):\n    file = open(p)\n" + "    print(file)\n" * 150
    args = {"release": ".close", "scope": "releases", "asynchronous": ""}
    intent = Intent(RELEASE_ON_EXIT, span(source, "open(p)"), "file", args=args)
    assert written(source, intent).startswith("refused: more than 100 lines")


STARTED = b"""\
import socket


class Transport:
    def __init__(self, host):
        self.sock = socket.create_connection((host, 22))

    def start_server(self, event):
        pass

    def close(self):
        self.sock.close()


def fixture(event, client):
    server = Transport("a")
    server.start_server(event)
    event.wait(1.0)
    yield client
"""


def test_what_was_started_may_be_needed_behind_its_last_mention() -> None:
    """A fixture's server was closed ahead of the `yield` that it is there for."""
    (finding,) = examine(STARTED, "a.py", languages.walk()["python"], Settings()).result.findings
    assert finding.fix is None
    assert finding.refusals == (
        "server is started at line 17, and may be needed behind the last line that names it",
    )


def test_a_figure_is_not_closed_ahead_of_what_is_done_to_the_current_one() -> None:
    """`plt.savefig()` means the figure that was made last, whether or not it is named."""
    source = dedent(
        """\
        import matplotlib.pyplot as plt


        def plot(results, fig, place):
            ax = fig.add_subplot(place)
            ax.bar(1, results)


        def plot_all(results):
            fig = plt.figure(figsize=(10, 10))
            for each in results:
                plot(each, fig, 221)
            plt.subplots_adjust(top=0.95)
            plt.savefig("out.png")


        def plot_one(result):
            fig = plt.figure(figsize=(10, 10))
            plot(result, fig, 221)
            fig.savefig("out.png")
            print("done")
        """
    ).encode()
    many, one = examine(source, "a.py", languages.walk()["python"], Settings()).result.findings
    assert many.fix is None
    assert many.refusals == ("plt is used behind the last line that names fig, and may well mean it",)
    assert one.fix is not None
