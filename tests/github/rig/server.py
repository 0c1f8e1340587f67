"""The rig as a server on loopback: it listens, judges, spoils, answers, and keeps what was asked."""

from __future__ import annotations

import base64
import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from . import actions, apps, gitdata, graph, manifest, rest
from .answers import Json
from .faults import Break, Fault, Lose, Refuse, Slow, Then
from .judge import Judge, graphql
from .state import Account, State, Token

assert actions
assert gitdata  # their handlers are registered by their imports

API, GRAPHQL = "/api/v3", "/api/graphql"
LIMIT = 5_000
NOBODY = Token(Account("nobody"), {})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and how it was answered. `path`: as the client sent it, without the query."""

    method: str
    path: str
    query: str
    status: int
    body: Any
    fault: str = ""
    operation: str = ""

    def __str__(self) -> str:
        what = f" {self.operation}" if self.operation else ""
        query = f"?{self.query}" if self.query else ""
        fault = f"   [{self.fault}]" if self.fault else ""
        return f"{self.method:5} {self.path}{query}{what} -> {self.status or 'no answer'}{fault}"


def no_fault(_number: int, _method: str, _path: str) -> Fault | None:
    """Nothing goes wrong."""
    return None


@dataclass(slots=True)
class Rig:
    """A running GitHub. `violations`: what its descriptions refuse in the requests; a test wants none."""

    state: State
    judge: Judge
    app: apps.App = field(default_factory=apps.App)
    """The App that is installed there."""
    url: str = ""
    complete: bool = False
    """Whether answers have all the fields that GitHub's have, and not only those that the bot reads."""
    git: bool = True
    """Whether git objects can be fetched."""
    git_elsewhere: str = ""
    """An address that fetches are redirected to."""
    faults: Callable[[int, str, str], Fault | None] = no_fault
    log: list[Exchange] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def environment(self, token: str) -> dict[str, str]:
        """The variables by which GitHub Actions says where GitHub is and who is asking."""
        return {
            "GITHUB_TOKEN": token,
            "GITHUB_API_URL": self.url + API,
            "GITHUB_GRAPHQL_URL": self.url + GRAPHQL,
            "GITHUB_SERVER_URL": self.url,
        }

    def writes(self) -> list[Exchange]:
        """The requests that change something, as far as they were answered well."""
        return [each for each in self.log if each.status < 300 and _writes(each)]

    def token(self, value: str = "ghs_rig", account: Account | None = None, **permissions: Any) -> str:
        """Make a token; with permissions it has those alone."""
        made = Token(account or self.state.accounts["github-actions[bot]"])
        if permissions:
            made = Token(made.account, permissions)
        self.state.tokens[value] = made
        return value


def _writes(each: Exchange) -> bool:
    if each.path == GRAPHQL:
        return each.operation.startswith("mutation")
    return each.method in ("POST", "PATCH", "PUT", "DELETE") and each.path.startswith(API)


@contextmanager
def serve(state: State, judge: Judge) -> Iterator[Rig]:
    """A rig that listens on a free port of loopback, until the block is left."""
    rig = Rig(state, judge)

    class Handler(_Handler):
        held = rig

    server = _Server(("127.0.0.1", 0), Handler)
    rig.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield rig
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed needs no trace."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    held: Rig
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The rig keeps its own log."""

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self._body()
        if ".git/" in url.path and not url.path.startswith("/api/"):
            self._git(url.path, url.query, body)
            return
        if url.path.startswith(actions.STORAGE):
            self._storage(int(url.path.removeprefix(actions.STORAGE)))
            return
        if not url.path.startswith("/api/"):
            self._page(url.path, url.query, body)
            return
        with self.held.lock:
            number = 1 + sum(each.path.startswith("/api/") for each in self.held.log)
            fault = self.held.faults(number, self.command, url.path)
            if isinstance(fault, Then):
                fault.act()
            headers: dict[str, str] = {}
            if isinstance(fault, Refuse):
                status, answer = fault.status, {"message": fault.message}
                if fault.retry_after is not None:
                    headers["Retry-After"] = str(fault.retry_after)
                if fault.reset is not None:
                    headers |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(fault.reset)}
            elif isinstance(fault, Break):
                status, answer = fault.status, {"message": "Server Error"}
            else:
                status, answer = self._answer(url.path, url.query, body, headers)
                if isinstance(fault, Lose):
                    status, answer = fault.status, {"message": "Server Error"}
            headers.setdefault("X-RateLimit-Remaining", str(max(1, LIMIT - number)))
            headers["X-RateLimit-Limit"] = str(LIMIT)
            headers.setdefault("X-RateLimit-Reset", str(int(time.time()) + 1_800))
            parsed = json.loads(body) if body else None
            operation = _operation(parsed) if parsed and url.path == GRAPHQL else ""
            said = type(fault).__name__.lower() + (
                f" {getattr(fault, 'status', '') or ''}".rstrip() if fault else ""
            )
            self.held.log.append(
                Exchange(
                    self.command,
                    url.path,
                    unquote(url.query),
                    status,
                    parsed,
                    said if fault else "",
                    operation,
                )
            )
        if isinstance(fault, Slow):
            time.sleep(fault.seconds)
        if status == 0:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(status, b"" if status == 204 else json.dumps(answer).encode(), headers)

    def _answer(self, path: str, query: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        rig = self.held
        value = self.headers.get("Authorization", "").partition(" ")[2]
        token = rig.state.tokens.get(value)
        itself = token is None and path.startswith(API) and bool(value) and rig.app.knows(value)
        if value and not itself and (token is None or rig.app.ends.get(value, math.inf) < time.time()):
            return 401, {"message": "Bad credentials"}
        if path == GRAPHQL:
            return self._graphql(token, body)
        path = unquote(path.removeprefix(API))
        asked = parse_qs(query, keep_blank_values=True)
        wrong = rig.judge.rest(self.command, path, asked, body)
        if wrong:
            rig.violations += wrong
            return 422, {"message": "; ".join(wrong)}
        if itself:
            own = apps.answer(rig.app, rig.state, self.command, path, asked, rest.parsed(body), rig.url)
            if own and path == "/app/hook/deliveries" and len(own[1]) == int(asked["per_page"][0]):
                last = f"{rig.url}{API}{path}?per_page={len(own[1])}&cursor=v1_{own[1][-1]['id']}"
                headers["Link"] = f'<{last}>; rel="next"'
            return own or (401, {"message": "A JSON web token could not be used for this"})
        call = rest.Call(
            rig.state, token or NOBODY, self.command, path, asked, rest.parsed(body), rig.url + API, rig.url
        )
        try:
            if token is None and rig.state.private:
                rest.missing()
            answered = rest.answer(call)
        except rest.Refused as refused:
            if refused.status == 301:
                headers["Location"] = refused.answer["url"]
            return refused.status, refused.answer
        headers.update(call.headers)
        if rig.complete:
            status, answer = answered
            return status, rig.judge.complete(self.command, path, status, answer)
        return answered

    def _graphql(self, token: Token | None, body: bytes) -> tuple[int, Any]:
        if token is None:
            return 401, {"message": "This endpoint requires you to be authenticated."}
        asked = json.loads(body)
        wrong = graphql(asked["query"])
        if wrong:
            self.held.violations += wrong
            return 200, {"errors": [{"message": each} for each in wrong]}
        return 200, graph.answer(
            self.held.state, token, asked["query"], asked.get("variables") or {}, self.held.url
        )

    def _git(self, path: str, query: str, body: bytes) -> None:
        """Hand a fetch to git itself. The repository is served under its full name and `.git`."""
        rig = self.held
        name, _, rest_of_path = path.lstrip("/").partition(".git/")
        headers: dict[str, str] = {}
        status, content = 404, b"no such repository"
        if rig.git_elsewhere:
            status, headers = 302, {"Location": f"{rig.git_elsewhere}{self.path}"}
        elif rig.git and name == rig.state.full_name and "receive-pack" not in path + query:
            word, _, value = self.headers.get("Authorization", "").partition(" ")
            user = base64.b64decode(value).decode() if word.lower() == "basic" else ""
            known = user.partition(":")[2] in rig.state.tokens
            if not known and (user or rig.state.private):
                status, content = 401, b""
            else:
                status, headers, content = self._backend(rest_of_path, query, body)
        with rig.lock:
            rig.log.append(Exchange(self.command, path, query, status, None))
        if status == 401:
            headers = {"WWW-Authenticate": 'Basic realm="GitHub"'}
        self._send(status, content, headers)

    def _backend(self, path: str, query: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        done = subprocess.run(
            ["git", "http-backend"],
            input=body,
            capture_output=True,
            check=True,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.held.state.repository.path),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "PATH_INFO": "/" + path,
                "REQUEST_METHOD": self.command,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            },
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        return int(headers.pop("Status", "200").split()[0]), headers, content

    def _page(self, path: str, query: str, body: bytes) -> None:
        """A page for people."""
        with self.held.lock:
            status, content, headers = manifest.page(self.held.state, self.command, path, query, body)
            self.held.log.append(Exchange(self.command, path, query, status, None))
        self._send(status, content, headers)

    def _storage(self, number: int) -> None:
        """Where artifacts lie: another party, that is to see no token."""
        if "Authorization" in self.headers:
            self.held.violations.append("a token went to the storage of artifacts")
        held = next(each for each in self.held.state.artifacts if each.id == number)
        self._send(200, held.content, {"Content-Type": "application/zip"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            length = int(self.headers.get("Content-Length") or 0)
            whole = self.rfile.read(length)
            if len(whole) < length:
                raise ConnectionResetError("the client died while it sent")
        return zlib.decompress(whole, 31) if self.headers.get("Content-Encoding") == "gzip" else whole

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _operation(asked: Json) -> str:
    """The kind and first field of a GraphQL document, for the log."""
    words = asked["query"].replace("{", " { ").replace("(", " ( ").split()
    kind = "mutation" if words[0] == "mutation" else "query"
    return f"{kind} {words[words.index('{') + 1]}"
