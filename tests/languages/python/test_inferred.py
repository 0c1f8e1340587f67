"""What a function says itself of a value it owes: a handler that releases it, a pool that gets it back."""

from __future__ import annotations

from textwrap import dedent

import pytest

from repairbot.analyses import pairing
from repairbot.analyses.facts import Leak
from repairbot.languages.base import Project
from repairbot.languages.python import LANGUAGE
from repairbot.lifetimes.resources import load


def leaks(source: str) -> list[Leak]:
    """The leaks of a source, those that are reported only on request left out."""
    unit = LANGUAGE.frontend.lower(dedent(source).encode(), "example.py", load("python"), Project())
    return [leak for leak in pairing.analyse(unit).leaks if leak.confidence != "low"]


def test_a_handler_that_misses_a_cancellation() -> None:
    (found,) = leaks("""
        async def fetch(client, request):
            response = await client.send(request)
            try:
                await response.aread()
            except Exception as error:  # anything
                await response.aclose()
                raise error
            return response
    """)
    assert found.shape == "handler-misses"
    assert found.ways[0].passes is not None
    assert found.ways[0].passes.line == 6


@pytest.mark.parametrize(
    "catch", ["except BaseException:", "except:", "except (Exception, asyncio.CancelledError):"]
)
def test_handlers_that_miss_nothing(catch: str) -> None:
    assert not leaks(f"""
        async def fetch(client, request):
            response = await client.send(request)
            try:
                await response.aread()
            {catch}
                await response.aclose()
                raise
            return response
    """)


def test_a_handler_for_the_errors_that_matter() -> None:
    assert not leaks("""
        import socket

        def dial(address):
            link = socket.socket()
            try:
                link.connect(address)
            except OSError:
                link.close()
                raise
            return link
    """)


def test_taken_from_a_pool_and_not_given_back_when_it_fails() -> None:
    (found,) = leaks("""
        def ping(pool):
            link = pool.get_socket()
            answer = link.command("ping")
            pool.return_socket(link)
            return answer
    """)
    assert found.shape == "error"
    assert found.resource.release[0] == "pool.return_socket"


@pytest.mark.parametrize(
    "body",
    [
        "try:\n        return link.command('ping')\n    finally:\n        pool.return_socket(link)",
        "other.return_socket(link)",
        "return link",
    ],
)
def test_pools_that_get_everything_back(body: str) -> None:
    assert not leaks(f"def ping(pool, other):\n    link = pool.get_socket()\n    {body}\n")


@pytest.mark.parametrize(("callee", "count"), [("parse", 0), ("check_status", 0), ("len", 1)])
def test_who_only_looks(callee: str, count: int) -> None:
    found = leaks(f"""
        import socket

        def dial(address, parse, check_status):
            link = socket.create_connection(address)
            {callee}(link)
            return None
    """)
    assert len(found) == count


def test_an_awaited_value_of_older_days() -> None:
    (found,) = leaks("""
        import aiohttp

        class Client:
            def __init__(self):
                self.session = aiohttp.ClientSession()

            def delete(self, url):
                response = yield from self.session.delete(url)
                print(response.status)
    """)
    assert (found.shape, found.place) == ("never", "response")


def test_an_object_that_gives_itself_away_is_somebody_elses() -> None:
    template = """
        import socket

        class Watcher:
            def __init__(self, bus):
                self.sock = socket.socket()
                {line}

            def close(self):
                self.sock.close()

        def setup(bus):
            Watcher(bus)
    """
    assert [leak.function for leak in leaks(template.format(line="self.bus = bus"))] == ["setup"]
    assert not leaks(template.format(line="bus.on_stop(self.close)"))


@pytest.mark.parametrize(
    "body",
    [
        "self.file = cast(IO, open(path))",
        "left, right = open(path), open(path)\n        return left, right",
        "self.file = file = open(path)\n        file.seek(3)",
    ],
)
def test_values_that_an_object_or_a_caller_owns(body: str) -> None:
    assert not [
        leak
        for leak in leaks(f"""
from typing import IO, cast

class Log:
    def fill(self, path):
        {body}
""")
        if leak.shape in ("never", "nameless")
    ]


def test_a_wrapper_gives_its_name_to_what_it_wraps() -> None:
    (found,) = leaks("""
        import io

        def words(path):
            text = io.TextIOWrapper(open(path, "rb"))
            return text.read().split()
    """)
    assert (found.shape, found.place) == ("never", "text")


def test_who_unpacks_a_pair_owns_no_single_value() -> None:
    assert not leaks("""
        import socket

        def free_port(host):
            sock = socket.create_server((host, 0))
            return sock, sock.getsockname()[1]

        class Server:
            def open(self, host):
                self.sock, self.port = free_port(host)
    """)


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("for line in path.open():\n        print(line)", 1),
        ("return self.store.open(path).read()", 1),
        ("box.open()", 0),
        ("shown = dialog.open()", 0),
    ],
)
def test_whatever_opens_what_is_read_is_a_file(line: str, count: int) -> None:
    assert len(leaks(f"def f(self, path, dialog):\n    {line}\n")) == count


@pytest.mark.parametrize(("callee", "count"), [("retry_on_signal", 1), ("bus.subscribe", 0)])
def test_a_lambda_that_is_run_at_once(callee: str, count: int) -> None:
    found = leaks(f"""
        import socket

        def dial(address, bus, retry_on_signal):
            link = socket.socket()
            {callee}(lambda: link.connect(address))
            return link
    """)
    assert len(found) == count


PIPES = """
import os
import socket


def pair():
    return os.pipe()


def ends():
    left, right = socket.socketpair()
    left.setblocking(False)
    return left, right


def dial(address):
    link = socket.create_connection(address)
    return link, address


def one(address):
    if not address:
        return None, None
    link = socket.create_connection(address)
    return link, address
"""


@pytest.mark.parametrize(
    ("use", "wanted"),
    [
        ("r, w = pair()\n    os.close(r)", {"w"}),
        ("r, w = pair()\n    os.close(r)\n    os.close(w)", set()),
        ("a, b = ends()\n    a.close()", {"b"}),
        ("a, b = ends()\n    a.close()\n    return b", set()),
        ("link, name = dial(x)\n    print(name)", {"link"}),
        ("link, name = dial(x)\n    with link:\n        print(name)", set()),
        ("link, name = one(x)\n    print(name)", {"link"}),
        ("both = pair()\n    print(both)", set()),
        ("return pair()", set()),
    ],
)
def test_a_function_that_hands_out_several(use: str, wanted: set[str]) -> None:
    found = leaks(f"{PIPES}\n\ndef act(x):\n    {use}\n")
    assert {leak.place for leak in found if leak.function == "act" and leak.shape != "error"} == wanted


@pytest.mark.parametrize(
    "body",
    [
        "link = socket.create_connection(x)\n    keep.append(link)\n    return link, x",
        "link = socket.create_connection(x)\n    file = open(x)\n    return link, file",
        "link = socket.create_connection(x)\n    if x:\n        return x, link\n    return link, x",
        "link = socket.create_connection(x)\n    if x:\n        return link\n    return link, x",
    ],
)
def test_a_tuple_of_which_not_enough_is_known(body: str) -> None:
    found = leaks(
        f"import socket\n\n\ndef make(x, keep):\n    {body}\n\n\ndef main(x):\n    a, b = make(x, [])\n    print(b)\n"
    )
    assert not [leak for leak in found if leak.function == "main"]


def test_the_true_release_of_a_class_that_has_several() -> None:
    (found,) = leaks("""
        import socket


        class Link:
            def __init__(self, address):
                self.sock = socket.create_connection(address)

            def shutdown(self):
                self.sock.shutdown(socket.SHUT_WR)

            def stop(self):
                self.sock.close()


        def act(address):
            link = Link(address)
            print(link.name)
    """)
    assert found.resource.release == (".stop",)
