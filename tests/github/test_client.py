"""The way to GitHub: what is sent again and when, how fast, and what is said when nothing helps."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from repairbot.github.client import GitHub
from repairbot.github.errors import BadToken, Busy, Denied, GitHubError, NotThere, Refused, Unreachable
from repairbot.github.limiter import Limiter
from repairbot.github.model import (
    Annotation,
    CreateReview,
    DraftComment,
    PostCheckRun,
    PullRequest,
)
from repairbot.github.transport import Site, Transport
from tests.github.reviewing import NUMBER, REPO, FakeClock, leaks
from tests.github.rig.faults import Break, Fault, Lose, Refuse, on
from tests.github.rig.server import Rig
from tests.github.rig.state import AUTHOR, VISITOR, Comment, ReviewComment, Thread

MARK = "<!-- repairbot:finding v1 open 0123456789abcdef -->"
REPORT = "A report.\n\n<!-- repairbot:report v1 open -->\n"


@pytest.fixture
def clock() -> FakeClock:
    """Time that passes only by sleeping."""
    return FakeClock()


@pytest.fixture
def client(rig: Rig, clock: FakeClock) -> GitHub:
    """A client with all rights, and a pull request to use them on."""
    git = rig.state.repository
    git.commit("main", {"a.py": "X = 1\n"})
    git.commit("topic", {"a.py": leaks("one", "two")}, git.tip("main"))
    rig.state.open(NUMBER, "topic")
    return made(rig, clock)


def made(rig: Rig, clock: FakeClock, token: str = "") -> GitHub:
    """A client with the token, or one with all rights."""
    token = token or rig.token()
    return GitHub(Transport(token, Site.of(rig.environment(token)), Limiter(clock), clock))


def step(pull: PullRequest, *lines: int) -> CreateReview:
    """A review with a comment at each line."""
    comments = [
        DraftComment("a.py", line, f"Leak in line {line}.\n\n{MARK}", fingerprints=("0123456789abcdef",))
        for line in lines
    ]
    return CreateReview(pull.head, tuple(comments))


def sent(rig: Rig, ending: str) -> int:
    """How many writes went to a path that ends so."""
    return sum(each.method != "GET" and each.path.endswith(ending) for each in rig.log)


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        (Refuse(403, 7), [7.0]),
        (Refuse(429, 3), [3.0]),
        (Refuse(403), [60.0]),
        (Refuse(429), [60.0]),
        (Refuse(403, None, "API rate limit exceeded for installation ID 1.", 1300), [300.0]),
        (Refuse(429, None, "API rate limit exceeded for installation ID 1.", 1300), [300.0]),
    ],
)
def test_a_write_that_was_turned_away_is_sent_again_after_a_pause(
    rig: Rig, client: GitHub, clock: FakeClock, fault: Fault, pauses: list[float]
) -> None:
    pull = client.pull(REPO, NUMBER).pull
    rig.faults = on("POST", "/reviews", fault)
    client.review(pull, step(pull, 2))
    assert clock.slept == pauses
    assert len(rig.state.pulls[NUMBER].threads) == 1


def test_the_pause_grows_and_ends(rig: Rig, client: GitHub, clock: FakeClock) -> None:
    pull = client.pull(REPO, NUMBER).pull
    rig.faults = on("POST", "/comments", *[Refuse(403)] * 9)
    with pytest.raises(Busy, match="limits the rate"):
        client.report(pull, REPORT)
    assert clock.slept == [60.0, 120.0, 240.0, 480.0]


@pytest.mark.parametrize("fault", [Lose(502), Lose(0), Lose(500)])
def test_a_write_whose_answer_was_lost_is_looked_for_and_not_sent_again(
    rig: Rig, client: GitHub, fault: Fault
) -> None:
    pull = client.pull(REPO, NUMBER).pull
    client.earlier(pull, "repairbot")
    rig.faults = on("POST", "/reviews", fault)
    client.review(pull, step(pull, 2, 9))
    rig.faults = on("POST", f"/issues/{NUMBER}/comments", fault)
    client.report(pull, REPORT)
    rig.faults = on("POST", "/check-runs", fault)
    client.check(REPO, PostCheckRun(pull.head, "neutral", "2 leaks", "Text."))
    assert (sent(rig, "/reviews"), sent(rig, f"/{NUMBER}/comments"), sent(rig, "/check-runs")) == (1, 1, 1)
    assert len(rig.state.pulls[NUMBER].threads) == 2
    assert (len(rig.state.comments), len(rig.state.checks)) == (1, 1)


@pytest.mark.parametrize("fault", [Break(502), Break(0)])
def test_a_write_that_was_not_done_is_sent_again(rig: Rig, client: GitHub, fault: Fault) -> None:
    pull = client.pull(REPO, NUMBER).pull
    client.earlier(pull, "repairbot")
    rig.faults = on("POST", "/reviews", fault, fault)
    client.review(pull, step(pull, 2))
    assert sent(rig, "/reviews") == 3
    assert len(rig.state.pulls[NUMBER].threads) == 1


def test_an_older_thread_with_the_same_mark_is_not_taken_for_the_lost_one(rig: Rig, client: GitHub) -> None:
    pull = client.pull(REPO, NUMBER).pull
    client.review(pull, step(pull, 2))
    client.earlier(pull, "repairbot")
    rig.faults = on("POST", "/reviews", Break(502))
    client.review(pull, step(pull, 9))
    assert [each.line for each in rig.state.pulls[NUMBER].threads] == [2, 9]


def test_annotations_go_in_batches_and_none_twice(rig: Rig, client: GitHub) -> None:
    pull = client.pull(REPO, NUMBER).pull
    every = [Annotation("a.py", line, line, "warning", f"leak {line}", "t") for line in range(1, 121)]
    batches = (tuple(every[:50]), tuple(every[50:100]), tuple(every[100:]))
    rig.faults = on("PATCH", "", Lose(502), Lose(0))
    client.check(REPO, PostCheckRun(pull.head, "neutral", "120 leaks", "Text.", batches))
    (run,) = rig.state.checks
    assert [each["message"] for each in run.annotations] == [each.message for each in every]


def test_reads_survive_faults(rig: Rig, client: GitHub) -> None:
    rig.faults = on("GET", "", Break(502), Break(0), Refuse(403, 1), Refuse(429))
    assert client.pull(REPO, NUMBER).pull.number == NUMBER


def test_what_the_token_may_not_do_is_not_tried_again(rig: Rig, client: GitHub, clock: FakeClock) -> None:
    pull = client.pull(REPO, NUMBER).pull
    reader = made(rig, clock, rig.token("ghs_reader", contents="read", pull_requests="read"))
    writes: tuple[Callable[[], object], ...] = (
        lambda: reader.review(pull, step(pull, 2)),
        lambda: reader.report(pull, REPORT),
        lambda: reader.check(REPO, PostCheckRun(pull.head, "neutral", "t", "s")),
    )
    for act in writes:
        before = len(rig.log)
        with pytest.raises(Denied, match="not accessible"):
            act()
        assert len(rig.log) == before + 1
    assert clock.slept == []


def test_a_review_that_github_finds_fault_with_says_why(rig: Rig, client: GitHub) -> None:
    pull = client.pull(REPO, NUMBER).pull
    with pytest.raises(Refused) as refused:
        client.review(pull, step(pull, 2, 400))
    assert refused.value.reasons == ("Line could not be resolved",)
    assert rig.state.pulls[NUMBER].threads == []


def test_a_token_that_github_does_not_know(rig: Rig, client: GitHub, clock: FakeClock) -> None:
    stranger = made(rig, clock, "ghp_strangersstrangersstrangersstranger1")
    with pytest.raises(BadToken, match="GITHUB_TOKEN") as error:
        stranger.pull(REPO, NUMBER)
    assert "strangers" not in str(error.value)


def test_what_is_not_there(client: GitHub) -> None:
    for repo, number in ((REPO, 999), ("octo/other", NUMBER)):
        with pytest.raises(NotThere):
            client.pull(repo, number)
    for wrong in ("octo", "octo/leaky/more", "../leaky", "octo/..", "-x/leaky", "octo/le aky"):
        with pytest.raises(GitHubError, match="OWNER/NAME"):
            client.pull(wrong, NUMBER)


def test_a_network_that_is_down_is_said_after_some_attempts(clock: FakeClock) -> None:
    with socket.socket() as held:  # bound and not listening: connections are refused
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        site = Site(url, url + "/graphql", url)
        client = GitHub(Transport("ghs_x", site, Limiter(clock), clock))
        with pytest.raises(Unreachable, match="is the network up"):
            client.pull(REPO, NUMBER)
    assert clock.slept == [1.0, 2.0, 4.0, 8.0]


def test_lists_are_read_to_their_end(rig: Rig, client: GitHub) -> None:
    rig.state.repository.commit("topic", {f"many/m{number}.py": "X = 1\n" for number in range(230)})
    rig.state.push(NUMBER)
    pull = client.pull(REPO, NUMBER).pull
    held = rig.state.pulls[NUMBER]
    for number in range(120):
        first = ReviewComment(5000 + number, 1, AUTHOR, "Hm.", "a.py", pull.head, 2, "RIGHT")
        held.threads.append(Thread(6000 + number, [first], 2, None))
        rig.state.comments.append(Comment(7000 + number, NUMBER, AUTHOR, f"word {number}"))
    held.threads[3].comments += [
        ReviewComment(8000 + n, 1, AUTHOR, f"reply {n}", "a.py", pull.head, 2, "RIGHT") for n in range(130)
    ]
    assert len(client.files(pull)) == 231
    earlier = client.earlier(pull, "repairbot")
    assert [len(each.comments) for each in earlier.threads] == [1, 1, 1, 131, *[1] * 116]
    assert [each.body for each in earlier.comments] == [f"word {number}" for number in range(120)]


def test_commands_count_from_people_who_may_write(rig: Rig, client: GitHub) -> None:
    pull = client.pull(REPO, NUMBER).pull
    for number, who in enumerate((AUTHOR, VISITOR, rig.state.accounts["github-actions[bot]"])):
        body = "/repairbot dismiss 0123456789abcdef"
        rig.state.comments.append(Comment(7000 + number, NUMBER, who, body))
    rig.state.comments.append(Comment(7100, NUMBER, AUTHOR, "No command."))
    found = client.earlier(pull, "repairbot").comments
    assert [each.trusted for each in found] == [True, False, False, False]
    assert [(each.ours, each.is_bot) for each in found] == [
        (False, False),
        (False, False),
        (True, True),
        (False, False),
    ]
    asked = [each.path for each in rig.log if each.path.endswith("/permission")]
    assert len(asked) == 2


def test_writes_stay_below_eighty_a_minute_and_five_hundred_an_hour_across_threads() -> None:
    clock = FakeClock(at=0.0)
    lock, moments = threading.Lock(), list[float]()

    class Ticking(FakeClock):
        """Each thread sleeps for itself; time is taken from what the limiter grants."""

        def sleep(self, seconds: float) -> None:
            with lock:
                moments.append(seconds)

    limiter = Limiter(Ticking(at=0.0))

    def work() -> None:
        for _ in range(75):
            limiter.take()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    granted = sorted([0.0] * (600 - len(moments)) + moments)
    assert granted == [(at // 500) * 3600.0 + (at % 500) // 80 * 60.0 for at in range(600)]
    assert clock.slept == []


def test_addresses_come_from_the_environment(rig: Rig) -> None:
    assert Site.of({}) == Site()
    enterprise = Site.of(
        {"GITHUB_API_URL": "https://ghe.example.org/api/v3", "GITHUB_SERVER_URL": "https://ghe.example.org/"}
    )
    assert enterprise.graphql == "https://ghe.example.org/api/graphql"
    assert enterprise.server == "https://ghe.example.org"
    for wrong in ("ftp://x", "https://user:secret@x", "nonsense"):
        with pytest.raises(GitHubError, match="GITHUB_API_URL") as error:
            Site.of({"GITHUB_API_URL": wrong})
        assert "secret" not in str(error.value)
    with pytest.raises(GitHubError, match="must end in /graphql"):
        Site.of({"GITHUB_GRAPHQL_URL": rig.url + "/somewhere"})


def test_no_token_is_logged(
    rig: Rig, clock: FakeClock, client: GitHub, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    token = rig.token("ghs_12345_eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJl")
    with caplog.at_level(logging.DEBUG):
        pull = made(rig, clock, token).pull(REPO, NUMBER).pull
        rig.faults = on("POST", "/reviews", Refuse(403, None, f"Bad {token}"))
        with pytest.raises(Denied) as error:
            made(rig, clock, token).review(pull, step(pull, 2))
    assert caplog.records
    assert token not in caplog.text
    assert token[:20] not in str(error.value)
