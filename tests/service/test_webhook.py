"""Deliveries: signatures, what an event asks for, and a real server on loopback that takes them in."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from repairbot.github.event import Nothing
from repairbot.service.web import QueueDown, app
from repairbot.service.webhook import Noted, Unreadable, Work, read, signed
from tests.github.rig.descriptions import description

SECRET = "It's a Secret to Everybody"
REPO = {"full_name": "octo/leaky"}
OPENED: dict[str, Any] = {
    "action": "opened",
    "pull_request": {"number": 7, "head": {"sha": "a" * 40, "repo": REPO}},
    "repository": REPO,
    "installation": {"id": 3},
}


def sign(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def asked(name: str, payload: Any) -> Work | Noted | Nothing:
    return read(name, "d-1", json.dumps(payload).encode())


def test_the_signature_of_github_s_documentation_is_right() -> None:
    # Source: docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation".
    right = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signed(SECRET, b"Hello, World!", right)
    for wrong in ("", right[7:], right.upper(), right + "0", "sha256=é"):
        assert not signed(SECRET, b"Hello, World!", wrong)


def test_a_pull_request_that_was_opened_is_reviewed_and_one_that_got_a_label_is_not() -> None:
    assert asked("pull_request", OPENED) == Work("d-1", 3, "octo/leaky", (7,), "a" * 40)
    assert isinstance(asked("pull_request", {**OPENED, "action": "labeled"}), Nothing)


def test_a_check_that_is_asked_for_again_is_about_its_pull_requests() -> None:
    run = {"head_sha": "b" * 40, "pull_requests": [{"number": 7}, {"number": 8}]}
    rest = {"action": "rerequested", "repository": REPO, "installation": {"id": 3}}
    for name in ("check_run", "check_suite"):
        assert asked(name, {name: run, **rest}) == Work("d-1", 3, "octo/leaky", (7, 8), "b" * 40)
        # For a fork there is only the commit to go by.
        assert asked(name, {name: {**run, "pull_requests": []}, **rest}) == Work(
            "d-1", 3, "octo/leaky", (), "b" * 40
        )


def test_a_button_is_kept_with_who_pressed_it_and_strange_ones_are_passed_over() -> None:
    payload = {
        "action": "requested_action",
        "check_run": {"head_sha": "b" * 40, "pull_requests": [{"number": 7}]},
        "requested_action": {"identifier": "fix-safe"},
        "sender": {"login": "mona"},
        "repository": REPO,
        "installation": {"id": 3},
    }
    assert asked("check_run", payload) == Work(
        "d-1", 3, "octo/leaky", (7,), "b" * 40, button="fix-safe", by="mona"
    )
    assert isinstance(asked("check_run", {**payload, "requested_action": {"identifier": "x"}}), Nothing)


def test_a_changed_installation_is_noted() -> None:
    held = {"id": 3, "account": {"login": "octo"}}
    noted = asked("installation", {"action": "suspend", "installation": held})
    assert noted == Noted(3, "installation of octo: suspend")
    payload = {"action": "added", "installation": held, "repositories_added": [{"full_name": "octo/new"}]}
    assert asked("installation_repositories", payload) == Noted(
        3, "installation_repositories of octo: added (+octo/new)"
    )


def test_a_comment_is_kept_with_its_words() -> None:
    work = asked(
        "issue_comment",
        {
            "action": "created",
            "issue": {"number": 7, "pull_request": {"url": ""}},
            "comment": {"id": 5, "body": "/repairbot rerun", "user": {"login": "mona", "type": "User"}},
            "repository": REPO,
            "installation": {"id": 3},
        },
    )
    assert isinstance(work, Work)
    assert work.said is not None
    assert (work.numbers, work.said.body, work.said.author) == ((7,), "/repairbot rerun", "mona")


def test_recorded_payloads_of_all_events_are_understood_or_passed_over() -> None:
    works, passed = Counter[str](), Counter[str]()
    for each in json.loads(description("webhooks.json").read_text()):
        for example in each["examples"]:
            payload = {**example, "installation": {"id": 3}}
            (works if isinstance(asked(each["name"], payload), Work) else passed)[each["name"]] += 1
    assert set(works) <= {"pull_request", "check_run", "check_suite", *TALK}
    assert works["pull_request"] >= 4
    assert len(passed) > 40


TALK = {"issue_comment", "pull_request_review_comment"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["action", "pull_request", "number", "head", "installation", "repository", "id", "check_run"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["pull_request", "check_run", "check_suite", "issue_comment", "ping"]), JSON)
def test_no_payload_breaks_the_reading(name: str, payload: Any) -> None:
    if not isinstance(payload, dict):
        with pytest.raises(Unreadable):
            asked(name, payload)
    else:
        for action in ("opened", "rerequested", "created"):
            asked(name, {**payload, "action": action})


@dataclass
class Kept:
    """A queue in memory. `down`: nothing can be kept."""

    works: list[Work] = field(default_factory=list)
    down: bool = False

    def put(self, work: Work) -> None:
        if self.down:
            raise QueueDown("the disk is full")
        self.works.append(work)

    def ready(self) -> bool:
        return not self.down


@dataclass
class Door:
    """The server: where it listens, what it keeps and counts."""

    url: str
    port: int
    kept: Kept
    counted: Counter[str]

    def post(self, body: bytes, name: str = "pull_request", **headers: str) -> requests.Response:
        wanted = {"X-GitHub-Event": name, "X-GitHub-Delivery": "d-1", "X-Hub-Signature-256": sign(body)}
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return requests.post(f"{self.url}/webhook", data=body, headers=wanted | named, timeout=20)


@pytest.fixture(scope="module")
def server() -> Iterator[Door]:
    kept, counted = Kept(), Counter[str]()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        made = app(SECRET, kept, lambda _, how: counted.update([how]), limit=4096)
        running = uvicorn.Server(uvicorn.Config(made, log_level="error"))
        thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.02)
        yield Door(f"http://127.0.0.1:{port}", port, kept, counted)
        running.should_exit = True
        thread.join(20)


@pytest.fixture
def door(server: Door) -> Door:
    server.kept.works.clear()
    server.kept.down = False
    server.counted.clear()
    return server


def test_a_signed_delivery_is_queued_before_it_is_acknowledged(door: Door) -> None:
    assert door.post(json.dumps(OPENED).encode()).status_code == 202
    assert [each.delivery for each in door.kept.works] == ["d-1"]
    door.kept.down = True
    assert door.post(json.dumps(OPENED).encode()).status_code == 503
    assert door.counted == {"queued": 1, "queue down": 1}


@pytest.mark.parametrize(
    ("status", "how", "body", "headers"),
    [
        (401, "bad signature", b"{}", {"X_Hub_Signature_256": "sha256=0"}),
        (401, "bad signature", b"{}", {"X_Hub_Signature_256": ""}),
        (413, "too large", b"{" * 4097, {}),
        (400, "unreadable", b"payload=%7B%7D", {}),
        (400, "unreadable", b"\xff\x00", {}),
        (400, "unreadable", b"{}", {"X_GitHub_Delivery": "../x"}),
        (400, "unreadable", b"[" * 4000, {}),
        (202, "passed over", b"{}", {}),
        (202, "passed over", b"{}", {"X_GitHub_Event": "star"}),
    ],
)
def test_what_is_not_for_us_is_turned_away_and_counted(
    door: Door, status: int, how: str, body: bytes, headers: dict[str, str]
) -> None:
    assert door.post(body, **headers).status_code == status
    assert door.counted == {how: 1}
    assert not door.kept.works


def test_a_body_that_promises_no_length_is_bounded_as_it_is_read(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port), 20) as line:
        line.sendall(b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        line.sendall(b"1001\r\n" + b"x" * 0x1001 + b"\r\n")  # and no end
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_health_and_readiness_differ_when_the_queue_is_down(door: Door) -> None:
    door.kept.down = True
    assert requests.get(f"{door.url}/healthz", timeout=20).status_code == 200
    assert requests.get(f"{door.url}/readyz", timeout=20).status_code == 503
