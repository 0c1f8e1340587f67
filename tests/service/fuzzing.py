"""Requests that are wrong on purpose, sent to a server in a process of its own over bare sockets.

`python -m tests.service.fuzzing 10000` sends as many and says what came back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from tests.github.rig.apps import App
from tests.service.processes import start, until

SECRET = "It's a Secret to Everybody"
PATHS = ("/webhook", "/", "/login", "/logout", "/retry", "/metrics", "/healthz", "/readyz", "/setup", "/x")
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
GOOD = {
    "action": "opened",
    "pull_request": {"number": 7, "head": {"sha": "a" * 40, "repo": {"full_name": "octo/leaky"}}},
    "repository": {"full_name": "octo/leaky"},
    "installation": {"id": 3},
}
"""A delivery that is right, from which wrong ones are made."""


def sign(body: bytes) -> bytes:
    return b"sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is sent, piece after piece with pauses of `pause` seconds between them. `kind`: for the tally."""

    kind: str
    pieces: tuple[bytes, ...]
    pause: float = 0.0


def request(
    body: bytes, headers: dict[bytes, bytes], path: bytes = b"/webhook", method: bytes = b"POST"
) -> bytes:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers.items())
    return method + b" " + path + b" HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n" + body


def delivery(body: bytes, event: bytes = b"pull_request") -> dict[bytes, bytes]:
    return {
        b"X-GitHub-Event": event,
        b"X-GitHub-Delivery": b"d-1",
        b"X-Hub-Signature-256": sign(body),
        b"Content-Type": b"application/json",
        b"Content-Length": str(len(body)).encode(),
    }


def _noise(dice: random.Random, most: int) -> bytes:
    return dice.randbytes(dice.randint(0, most))


def _mutated(dice: random.Random, held: object) -> object:
    """JSON with one part exchanged for something else, somewhere inside."""
    if isinstance(held, dict) and held and dice.random() < 0.8:
        key = dice.choice(list(held))
        return {**held, key: _mutated(dice, held[key])}
    return dice.choice(
        [
            None,
            True,
            -1,
            1 << 70,
            1e308,
            float("nan"),
            "",
            "\ud800",
            "../../x",
            "a/b/c",
            "\0",
            [],
            {},
            [[]] * 9,
            "x" * 5_000,
            {"id": {}},
            {"full_name": "octo/../.."},
            {"number": "7"},
            {"number": -7},
            "\u202e@everyone",
        ]
    )


def _signed(dice: random.Random) -> Wrong:
    choice = dice.randrange(5)
    if choice == 0:
        body = _noise(dice, 400)
    elif choice == 1:
        body = dice.choice([b"[", b'{"a":', b"[[", b'{"pull_request":[']) * dice.randint(1, 20_000)
    elif choice == 2:
        spoilt = bytearray(json.dumps(GOOD).encode())
        for _ in range(dice.randint(1, 9)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        body = bytes(spoilt)
    else:
        body = json.dumps(_mutated(dice, GOOD)).encode("utf-8", "surrogatepass")
        if choice == 4:
            body = body.decode().encode(dice.choice(["utf-16", "utf-7", "utf-32", "utf-8-sig"]))
    events = [
        b"pull_request",
        b"check_run",
        b"check_suite",
        b"issue_comment",
        b"ping",
        b"installation",
        b"\xff",
        b"",
    ]
    return Wrong("signed", (request(body, delivery(body, dice.choice(events))),))


def _headers(dice: random.Random) -> Wrong:
    body = json.dumps(GOOD).encode()
    held = delivery(body)
    for _ in range(dice.randint(1, 4)):
        name = dice.choice(
            [*held, b"Cookie", b"X-" + _noise(dice, 9), b"Host", b"X-Forwarded-For", b"Connection"]
        )
        held[name] = dice.choice(
            [
                b"",
                _noise(dice, 60),
                b"\xc3\x28",
                b"x" * dice.choice((300, 9_000, 80_000)),
                b"a\r\n b",
                b"sha256=" + b"0" * 64,
            ]
        )
    more = b"".join(b"X-%d: y\r\n" % each for each in range(dice.choice((0, 0, 50, 3_000))))
    whole = request(body, held, dice.choice(PATHS).encode())
    return Wrong("headers", (whole.replace(b"Host: x\r\n", b"Host: x\r\n" + more, 1),))


def _lengths(dice: random.Random) -> Wrong:
    body = json.dumps(GOOD).encode()
    held = delivery(body)
    wrong = [
        b"0",
        b"-1",
        b"1",
        b"99999",
        b"1e3",
        b"0x10",
        b"9" * 40,
        b"26214401",
        b"5, 5",
        b"5, 6",
        b"",
        b"\xd9\xa3",
    ]
    held[b"Content-Length"] = dice.choice(wrong)
    if dice.random() < 0.3:
        held[b"Transfer-Encoding"] = dice.choice(
            [b"chunked", b"gzip, chunked", b"identity", b"xchunked", b"chunked, chunked"]
        )
    return Wrong("lengths", (request(body, held, dice.choice(PATHS).encode()),))


def _chunks(dice: random.Random) -> Wrong:
    body = json.dumps(GOOD).encode()
    held = delivery(body)
    del held[b"Content-Length"]
    held[b"Transfer-Encoding"] = b"chunked"
    sizes = [
        b"%x" % len(body),
        b"-5",
        b"ffffffffffffffffff",
        b"zz",
        b"",
        b"5;" + b"x" * 3_000,
        b"%x" % (len(body) + 9),
    ]
    pieces = [dice.choice(sizes) + b"\r\n" + body + dice.choice([b"\r\n", b"", b"\n"])]
    pieces.append(dice.choice([b"0\r\n\r\n", b"", b"0\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", b"0\r\n"]))
    return Wrong("chunks", (request(b"", held), *pieces))


def _lines(dice: random.Random) -> Wrong:
    method = dice.choice(
        [b"GET", b"POST", b"get", b"TRACE", b"CONNECT", b"OPTIONS", b"PRI", b"", b"\xff", b"G" * 3_000]
    )
    path = dice.choice(
        [
            b"*",
            b"//",
            b"/../../etc/passwd",
            b"/%00",
            b"/%ff%fe",
            b"/" + b"a" * 70_000,
            b"http://[::1",
            b"/?" + b"a=" * 9_000,
            b"/login?x=\xff",
            b"/setup/callback?code=%0d%0a&state=%ff",
            b"/?said=%3Cscript%3E",
            b"/webhook/",
            _noise(dice, 30),
        ]
    )
    version = dice.choice(
        [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2", b"HTTP/9.9", b"", b"HTTP/1.1\r\n\r\n"]
    )
    return Wrong("lines", (method + b" " + path + b" " + version + b"\r\nHost: x\r\n\r\n",))


def _forms(dice: random.Random) -> Wrong:
    body = dice.choice(
        [
            b"token=" + _noise(dice, 90),
            b"&" * 5_000,
            b"a=1&" * 2_000,
            b"%" * 200,
            b"job=x&key=" + b"0" * 64,
            _noise(dice, 900),
        ]
    )
    held = {
        b"Content-Length": str(len(body)).encode(),
        b"Content-Type": dice.choice(
            [b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=\xff", b"text/x"]
        ),
        b"Cookie": dice.choice(
            [b"repairbot=token", b"repairbot=" + b"x" * 900, b"=;=;", b"repairbot=\xff\xfe", b"a" * 4_000]
        ),
        b"Content-Encoding": dice.choice([b"gzip", b"br", b"identity"]),
    }
    return Wrong("forms", (request(body, held, dice.choice((b"/login", b"/logout", b"/retry", b"/"))),))


def _raw(dice: random.Random) -> Wrong:
    return Wrong(
        "raw",
        (
            dice.choice(
                [
                    _noise(dice, 3_000),
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _noise(dice, 90),
                    b"\x16\x03\x01\x02\x00\x01" + _noise(dice, 500),
                    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + _noise(dice, 20) + b"\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * dice.randint(2, 60),
                    b"\r\n" * dice.randint(1, 40_000),
                    b"POST /webhook HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
                ]
            ),
        ),
    )


def _cut(dice: random.Random) -> Wrong:
    body = json.dumps(GOOD).encode()
    whole = request(body, delivery(body))
    return Wrong("cut", (whole[: dice.randrange(len(whole))],))


def _slow(dice: random.Random) -> Wrong:
    body = json.dumps(GOOD).encode()
    whole = request(body, delivery(body))
    at = dice.randrange(20, len(whole))
    return Wrong("slow", (whole[:at], whole[at : at + 1], whole[at + 1 : at + 2]), 0.3)


def _large(dice: random.Random) -> Wrong:
    body = b'{"x":"' + b"y" * dice.choice((100_000, 2_000_000)) + b'"}'
    held = delivery(body)
    if dice.random() < 0.5:
        held[b"X-Hub-Signature-256"] = b"sha256=" + b"0" * 64
    return Wrong("large", (request(body, held),))


KINDS: tuple[tuple[Callable[[random.Random], Wrong], int], ...] = (
    (_signed, 30),
    (_headers, 14),
    (_lengths, 14),
    (_chunks, 10),
    (_lines, 10),
    (_forms, 10),
    (_raw, 8),
    (_cut, 2),
    (_slow, 1),
    (_large, 1),
)
"""With how many of a hundred are of each."""


def wrong(seed: int) -> Wrong:
    """The request of this seed, always the same."""
    dice = random.Random(seed)
    make = dice.choices([make for make, _ in KINDS], [weight for _, weight in KINDS])[0]
    return make(dice)


def send(port: int, each: Wrong, patience: float = 0.25) -> list[int]:
    """Send it; the statuses that came back, none where the connection was closed without.

    `patience`: seconds after which, with no answer, it says that no more will come.
    """
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as line:
            for at, piece in enumerate(each.pieces):
                if at and each.pause:
                    time.sleep(each.pause)
                line.sendall(piece)
            line.settimeout(patience)
            try:
                while len(answer) < 1 << 20 and (got := line.recv(1 << 16)):
                    answer += got
                    line.settimeout(0.01)
            except TimeoutError:
                line.settimeout(30)
                line.shutdown(socket.SHUT_WR)
                while len(answer) < 1 << 20 and (got := line.recv(1 << 16)):
                    answer += got
    except OSError:
        pass  # it may turn away what it does not want to read
    return [int(status) for status in _STATUS.findall(answer)]


@dataclass(slots=True)
class Child:
    """The server in its process."""

    port: int
    process: psutil.Process

    def memory(self) -> int:
        """Bytes that belong to it alone."""
        return int(self.process.memory_full_info().uss)

    def send(self, seeds: range) -> Counter[tuple[str, int]]:
        """Send the requests of these seeds, sixteen at a time; how often each kind got which answer (0: none)."""
        found: Counter[tuple[str, int]] = Counter()
        with ThreadPoolExecutor(16) as senders:
            for each, statuses in senders.map(lambda each: (each, send(self.port, each)), map(wrong, seeds)):
                found.update((each.kind, status) for status in statuses or [0])
        return found

    def right(self) -> int:
        """Send a delivery that is right; the status."""
        body = json.dumps(GOOD).encode()
        (status,) = send(self.port, Wrong("right", (request(body, delivery(body)),)), 30)
        return status


@contextmanager
def child() -> Iterator[Child]:
    """`repairbot serve` without workers, just started, until the block is left."""
    nowhere = dict.fromkeys(("GITHUB_API_URL", "GITHUB_GRAPHQL_URL"), "http://127.0.0.1:9/graphql")
    with tempfile.TemporaryDirectory() as folder:
        told = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ},
            **nowhere,
            **App(secret=SECRET).settings(),
            "REPAIRBOT_HOME": folder,
            "STATUS_TOKEN": "token",
            "HOST": "127.0.0.1",
            "PORT": "0",
            "JOBS": "0",
            "SWEEP_MINUTES": "0",
            "LOG_LEVEL": "error",
        }
        started = start("serve", told)
        try:
            until(lambda: started.url or started.process.poll() is not None)
            assert started.url, "\n".join(started.said)
            yield Child(int(started.url.rpartition(":")[2]), psutil.Process(started.process.pid))
        finally:
            started.kill()


def main(count: int) -> None:
    """Send `count` requests after a tenth as many; print what came back, the memory before and after, and the time."""
    with child() as server:
        server.send(range(-count // 10, 0))
        before, start, busy = server.memory(), time.monotonic(), sum(server.process.cpu_times()[:2])
        found = server.send(range(count))
        seconds, used = time.monotonic() - start, sum(server.process.cpu_times()[:2]) - busy
        statuses: Counter[int] = Counter()
        for (kind, status), number in sorted(found.items()):
            statuses[status] += number
            print(f"{kind:8} {status or 'closed'} {number:6}")
        print(f"{count} requests in {seconds:.1f} s, {used:.1f} s of it the server's processor time")
        print(f"statuses: {dict(sorted(statuses.items()))}; a right delivery: {server.right()}")
        print(f"memory: {before / 1e6:.1f} MB before, {server.memory() / 1e6:.1f} MB after")


if __name__ == "__main__":
    main(int(sys.argv[1]))
