"""Requests built to hurt: no answer is a 5xx, memory does not grow, nobody's slowness is ours.

`python -m tests.service.fuzzing 10000` is the same at its full size.
"""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from repairbot.service import listening
from repairbot.service.bodies import Bad, Bodies
from repairbot.service.web import app
from repairbot.service.webhook import Work
from tests.service import fuzzing
from tests.service.fuzzing import GOOD, Wrong, delivery, request, send
from tests.service.servers import serving

COUNT = 1_500
GROWTH = 16e6
"""Bytes within which the memory of a server that leaks nothing moves: its allocator takes steps of 10 MB."""


@pytest.mark.slow
def test_malformed_requests_give_no_5xx_and_no_growth() -> None:
    with fuzzing.child() as server:
        server.send(range(-COUNT // 3, 0))
        before = server.memory()
        found = server.send(range(COUNT))
        assert server.memory() - before < GROWTH
        assert server.right() == 202
    kinds = Counter[str]()
    for (kind, status), number in found.items():
        kinds[kind] += number
        assert status < 500, f"{kind}: {status}"
    assert len(kinds) == len(fuzzing.KINDS)
    assert found["signed", 202] > 0, "not everything is turned away at the door"


class Impatient(listening.Patient):
    patience = 0.3


class Nowhere:
    def put(self, work: Work) -> None:
        pass

    def ready(self) -> bool:
        return True


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    made = app(fuzzing.SECRET, Nowhere(), lambda _event, _how: None, seconds=0.5)
    with serving(uvicorn.Server(listening.config(made, "127.0.0.1", 0, http=Impatient))) as number:
        yield number


BODY = json.dumps(GOOD).encode()
WHOLE = request(BODY, delivery(BODY))


def closed_after(line: socket.socket) -> tuple[bytes, float]:
    """What came until the other side closed, and the seconds until then."""
    start, answer = time.monotonic(), b""
    line.settimeout(20)
    while got := line.recv(1 << 16):
        answer += got
    return answer, time.monotonic() - start


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /webhook HT",
        WHOLE[:90],
        WHOLE + b"GET / HT",
        WHOLE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n{",
    ],
    ids=["nothing", "half a line", "half a head", "half a second head", "half a body"],
)
def test_who_stops_in_the_middle_is_hung_up_on(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(sent)
        answer, _ = closed_after(line)
    statuses = [int(each.split()[1]) for each in answer.split(b"\r\n") if each.startswith(b"HTTP/1.1")]
    assert statuses in ([], [202], [408])
    if sent.endswith(b"{"):
        assert statuses == [408]


def drip(line: socket.socket, what: bytes) -> None:
    for byte in what:
        line.sendall(bytes((byte,)))
        time.sleep(0.02)


def test_who_drips_a_head_is_hung_up_on(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(WHOLE[:20])
        with pytest.raises(OSError, match=r"reset|[Bb]roken"):
            drip(line, WHOLE[20:200])


def test_a_delivery_in_small_pieces_is_taken(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        for at in range(0, len(WHOLE), 64):
            line.sendall(WHOLE[at : at + 64])
            time.sleep(0.01)
        assert line.recv(100).startswith(b"HTTP/1.1 202")


def test_many_slow_senders_do_not_keep_others_waiting(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    try:
        for each in slow:
            each.sendall(WHOLE[:-9])
        start = time.monotonic()
        with ThreadPoolExecutor(4) as senders:
            answers = list(senders.map(lambda _: send(port, Wrong("right", (WHOLE,)), 10), range(20)))
        assert answers == [[202]] * 20
        assert time.monotonic() - start < 10
    finally:
        for each in slow:
            each.close()


def read_by(bodies: Bodies) -> Starlette:
    async def take(asked: Request) -> Response:
        try:
            return PlainTextResponse(str(len(await bodies.read(asked))))
        except Bad as error:
            return PlainTextResponse(error.words, error.status)

    return Starlette(routes=[Route("/webhook", take, methods=["POST"])])


def test_all_bodies_together_are_bounded() -> None:
    bodies = Bodies(limit=100_000, seconds=20, together=150_000)
    server = uvicorn.Server(listening.config(read_by(bodies), "127.0.0.1", 0))
    head = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n"
    with serving(server) as port, socket.create_connection(("127.0.0.1", port)) as first:
        first.sendall(head + b"x" * 89_999)
        until(lambda: bodies.held > 80_000)
        assert send(port, Wrong("second", (head + b"x" * 90_000,)), 10) == [429]
        first.sendall(b"x")
        assert first.recv(1000).startswith(b"HTTP/1.1 200")
        assert send(port, Wrong("third", (head + b"x" * 90_000,)), 10) == [200]
        assert bodies.held == 0


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
