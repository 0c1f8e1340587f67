"""The status page and the figures: what is shown to whom, what is escaped, and that figures of all processes add up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from repairbot.service.ledger import Ended, Leak, opened
from repairbot.service.status import ADVICE, advice, ago
from repairbot.service.task import Failed, Standing
from tests.service.board import NOW, TOKEN, Board, served

HOSTILE = '</title><script>alert(1)</script><img src=x onerror=alert(1)>"\x1b[31m\u202e@everyone\udce9\0'


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with served(tmp_path, filled=False) as held:
        yield held


@pytest.fixture
def inside(board: Board) -> Iterator[requests.Session]:
    with requests.Session() as browser:
        assert browser.post(f"{board.url}/login", data={"token": TOKEN}, timeout=20).status_code == 200
        yield browser


def key(text: str) -> str:
    found = re.search(r'name="key" value="(\w+)"', text)
    assert found
    return found[1]


def test_names_and_reasons_are_for_who_has_the_token(board: Board, inside: requests.Session) -> None:
    board.ledger.ended(Ended("a", "d", "octo/secret", 7, "clean", said="the reason"), NOW)
    board.jobs.jobs = [Standing("b", "octo/hidden", 8, False, NOW)]
    board.jobs.shelf = [Failed("c", "octo/private", 9, "Busy: the words", NOW)]
    words = ("octo/secret", "octo/hidden", "octo/private", "the reason", "the words")
    for cookies in ({}, {"repairbot": "wrong"}, {"repairbot": ""}, {"repairbot": "x" * 5000}):
        text = requests.get(board.url, cookies=cookies, timeout=20).text
        assert "Log in" in text
        assert not any(each in text for each in words)
    shown = inside.get(board.url, timeout=20)
    assert all(each in shown.text for each in words)
    assert "no-store" in shown.headers["Cache-Control"]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "é" * 9, "x" * 9000])
def test_only_the_token_opens_it(board: Board, token: str) -> None:
    answer = requests.post(f"{board.url}/login", data={"token": token}, timeout=20)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_behind_https_the_cookie_is_for_https_alone(board: Board) -> None:
    answer = requests.post(
        f"{board.url}/login",
        data={"token": TOKEN},
        headers={"X-Forwarded-Proto": "https"},
        allow_redirects=False,
        timeout=20,
    )
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "HttpOnly" in answer.headers["Set-Cookie"]


def test_a_form_of_another_site_does_nothing(board: Board, inside: requests.Session) -> None:
    board.jobs.shelf = [Failed("c", "octo/leaky", 9, "Busy: later", NOW)]
    right = key(inside.get(board.url, timeout=20).text)
    for wrong in ({}, {"key": ""}, {"key": "0" * 64}, {"key": right + "0"}):
        answer = inside.post(f"{board.url}/retry", data={"job": "c", **wrong}, timeout=20)
        assert answer.status_code == 403
    for path in ("/retry", "/logout"):
        assert inside.get(board.url + path, timeout=20).status_code == 405
    assert requests.post(f"{board.url}/retry", data={"job": "c", "key": right}, timeout=20).status_code == 403
    assert board.jobs.ran_again == []
    for said in ("It is queued again", "not on the shelf any more"):
        answer = inside.post(f"{board.url}/retry", data={"job": "c", "key": right}, timeout=20)
        assert said in answer.text
    assert board.jobs.ran_again == ["c"]


def test_whatever_a_name_holds_it_stays_text(board: Board, inside: requests.Session) -> None:
    leak = Leak("a", HOSTILE[:70], HOSTILE)
    board.ledger.ended(Ended("a", "d", "octo/leaky", 7, HOSTILE[:70], said=HOSTILE, leaks=(leak,)), NOW)
    board.jobs.jobs = [Standing(HOSTILE, HOSTILE, 8, False, NOW, HOSTILE)]
    board.jobs.shelf = [Failed(HOSTILE, HOSTILE, 9, HOSTILE, NOW, HOSTILE)]
    board.ledger.note = HOSTILE[:70]
    board.ledger.beat(NOW)
    answer = inside.get(board.url, timeout=20)
    assert "<script" not in answer.text
    assert "<img" not in answer.text
    assert answer.text.count("&lt;script&gt;") >= 5
    assert "\x1b" not in answer.text
    assert "\u202e" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text_string_to_metric_families(requests.get(f"{board.url}/metrics", timeout=20).text)


def figures(url: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Each figure by its name and the values of its labels."""
    text = requests.get(f"{url}/metrics", timeout=20).text
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_are_those_of_all_processes(board: Board, tmp_path: Path) -> None:
    one = Ended("a", "d", "octo/leaky", 7, "commented", steps={"audit": 0.3}, waited=4.0, requests=5)
    leaks = (Leak("x", "early-exit-leak", "a.py", suggested=True), Leak("y", "dangling-task", "a.py"))
    with opened(tmp_path, kind="worker") as other:  # as another process would
        other.ended(replace(one, leaks=leaks), NOW)
        other.ended(replace(one, leaks=leaks), NOW)
        other.count("deliveries", "pull_request", "queued", 2)
    board.ledger.ended(replace(one, job="b", leaks=leaks[1:], steps={"audit": 700.0}), NOW)
    board.ledger.count("deliveries", "pull_request", "queued")
    board.jobs.jobs = [Standing("s", "octo/leaky", 1, False, NOW)]
    found = figures(board.url)
    wanted = {
        ("repairbot_deliveries_total", ("pull_request", "queued")): 3,
        ("repairbot_jobs_total", ("commented",)): 2,
        ("repairbot_requests_total", ()): 10,
        ("repairbot_found_total", ("early-exit-leak",)): 1,
        ("repairbot_found_total", ("dangling-task",)): 1,
        ("repairbot_suggested_total", ("early-exit-leak",)): 1,
        ("repairbot_fixed_total", ("early-exit-leak",)): 1,
        ("repairbot_accepted_total", ("early-exit-leak",)): 1,
        ("repairbot_step_seconds_count", ("audit",)): 2,
        ("repairbot_step_seconds_sum", ("audit",)): 700.3,
        ("repairbot_step_seconds_bucket", ("0.5", "audit")): 1,
        ("repairbot_step_seconds_bucket", ("900.0", "audit")): 2,
        ("repairbot_step_seconds_bucket", ("2.5", "wait")): 0,
        ("repairbot_queue_waiting", ()): 1,
        ("repairbot_queue_running", ()): 0,
        ("repairbot_shelf", ()): 0,
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert "octo" not in requests.get(f"{board.url}/metrics", timeout=20).text


def test_each_kind_of_failure_says_what_to_do() -> None:
    for name in ADVICE:
        assert advice(f"{name}: words") == ADVICE[name]
    assert "log" in advice("KeyError: 'x'")


def test_spans_of_time_are_said_in_one_figure() -> None:
    said = [ago(each) for each in (-1, 0, 59, 60, 3599, 3600, 47 * 3600, 48 * 3600)]
    assert said == ["0 s", "0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 days"]
