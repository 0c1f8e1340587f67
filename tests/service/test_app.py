"""The App from end to end: signed deliveries in, reviews out, in processes of its own against the rig."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from repairbot.service import queue as queues
from tests.github.reviewing import leaks
from tests.github.rig import apps
from tests.github.rig.answers import Json
from tests.github.rig.faults import Slow
from tests.github.rig.judge import Judge
from tests.github.rig.repository import Repository
from tests.github.rig.server import Rig, serve
from tests.github.rig.state import AUTHOR, VISITOR, Comment, State
from tests.service import postgres
from tests.service.processes import Running, environment, serving, start, until
from tests.service.pulls import ONE, REPO, counted, done, pull

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("app")]


@pytest.fixture(scope="module")
def rig(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One GitHub and one App for all tests here: each has pull requests of its own."""
    with serve(State(Repository(tmp_path_factory.mktemp("rig") / "leaky.git")), judge) as made:
        yield made
        assert made.violations == []


@pytest.fixture(scope="module")
def app(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(rig, environment(rig, tmp_path_factory.mktemp("home"), SWEEP_MINUTES="0")) as running:
        yield running
        took = running.stop()
        assert took < 20
        assert running.process.returncode == 0
        said = "\n".join(running.said)
        assert "ghs_" not in said
        assert "PRIVATE KEY" not in said


def delivered(rig: Rig, event: str, payload: Json) -> None:
    assert rig.app.deliver(event, payload).status == 202


def checked(number: int, head: str, action: str, *, named: bool = True, **more: object) -> Json:
    """The payload of a check run that somebody wants something of."""
    pulls = [{"number": number}] if named else []
    return {
        "action": action,
        "check_run": {"head_sha": head, "pull_requests": pulls},
        "repository": {"full_name": REPO},
        "installation": {"id": 3},
        "sender": {"login": AUTHOR.login},
        **more,
    }


def test_a_delivery_becomes_a_review_and_comes_twice_to_nothing(rig: Rig, app: Running) -> None:
    head = pull(rig, 7)
    sent = rig.app.deliver("pull_request", apps.opened(7, head))
    assert sent.status == 202
    until(lambda: done(rig, [7]), what="\n".join(app.said))
    assert counted(rig, 7) == ONE
    before = len(rig.log)
    assert rig.app.deliver("pull_request", sent.payload, sent.guid, again=True).status == 202
    time.sleep(1)
    assert len(rig.log) == before
    issued = rig.app.issued[-1]
    assert issued.repositories == ("leaky",)
    assert issued.permissions == {"contents": "read", "pull_requests": "write", "checks": "write"}
    assert not any(issued.value in f"{each.path}{each.query}" for each in rig.log)


def test_of_many_pushes_the_newest_is_reviewed(rig: Rig, app: Running) -> None:
    git = rig.state.repository
    heads = [pull(rig, 10)]
    for round_ in range(4):
        heads.append(git.commit("topic-10", {"store_10.py": leaks("first_10") + f"\n\nROUND = {round_}\n"}))
        rig.state.push(10)
    for head in heads:
        delivered(rig, "pull_request", apps.opened(10, head, action="synchronize"))
    until(lambda: done(rig, [10]), what="\n".join(app.said))
    assert counted(rig, 10) == ONE
    assert {each.head_sha for each in rig.state.checks} & set(heads) == {heads[-1]}


def test_a_check_is_run_again_also_for_a_fork_of_which_github_names_no_pull_request(
    rig: Rig, app: Running
) -> None:
    head = pull(rig, 11)
    delivered(rig, "check_run", checked(11, head, "rerequested"))
    until(lambda: done(rig, [11]), what="\n".join(app.said))
    fork = pull(rig, 12)
    suite = checked(12, fork, "rerequested", named=False)
    delivered(rig, "check_suite", {**suite, "check_suite": suite["check_run"]})
    until(lambda: done(rig, [12]), what="\n".join(app.said))
    assert counted(rig, 11) == counted(rig, 12) == ONE


def test_the_button_is_for_people_with_write_access_and_shown_where_commits_are_granted(
    rig: Rig, app: Running
) -> None:
    head = pull(rig, 13)
    delivered(rig, "pull_request", apps.opened(13, head))
    until(lambda: done(rig, [13]), what="\n".join(app.said))
    (check,) = [each for each in rig.state.checks if each.head_sha == head]
    assert [each["identifier"] for each in check.actions] == ["rerun"]
    rig.app.installations[4] = apps.Installation(4, {**apps.GRANTED, "contents": "write"})
    press = {
        **checked(13, head, "requested_action", requested_action={"identifier": "fix-safe"}),
        "installation": {"id": 4},
    }
    delivered(rig, "check_run", {**press, "sender": {"login": VISITOR.login}})
    time.sleep(2)
    assert rig.state.repository.tip("topic-13") == head
    delivered(rig, "check_run", press)
    until(lambda: rig.state.repository.tip("topic-13") != head, what="\n".join(app.said))
    fixed = rig.state.repository.show(rig.state.repository.tip("topic-13"), "store_13.py")
    assert fixed is not None
    assert b"with open(path)" in fixed


def test_a_command_is_answered_once(rig: Rig, app: Running) -> None:
    pull(rig, 14)
    said = Comment(next(rig.state.numbers), 14, AUTHOR, "/repairbot help")
    rig.state.comments.append(said)
    delivered(
        rig,
        "issue_comment",
        {
            "action": "created",
            "issue": {"number": 14, "pull_request": {"url": ""}},
            "comment": {"id": said.id, "body": said.body, "user": {"login": AUTHOR.login, "type": "User"}},
            "repository": {"full_name": REPO},
            "installation": {"id": 3},
        },
    )
    until(lambda: "+1" in [each.content for each in said.reactions], what="\n".join(app.said))
    assert len([each for each in rig.state.comments_of(14) if each.account.bot]) == 1


def test_what_cannot_be_read_on_the_base_is_said_on_the_pull_request(rig: Rig, app: Running) -> None:
    git = rig.state.repository
    pull(rig, 15)
    git.commit("broken", {".repairbot.toml": "nonsense = 1\n"}, git.tip("main"))
    rig.state.pulls[15].base_ref = "broken"
    delivered(rig, "pull_request", apps.opened(15, rig.state.pulls[15].head))
    until(lambda: done(rig, [15]), what="\n".join(app.said))
    (check,) = [each for each in rig.state.checks if each.head_sha == rig.state.pulls[15].head]
    assert check.conclusion == "skipped"
    assert "nonsense" in str(check.summary)


def test_an_installation_that_is_gone_is_the_end_of_its_jobs(rig: Rig, app: Running) -> None:
    rig.app.installations[5] = apps.Installation(5, gone=True)
    head = pull(rig, 16)
    delivered(rig, "pull_request", apps.opened(16, head, installation=5))
    delivered(
        rig, "installation", {"action": "deleted", "installation": {"id": 5, "account": {"login": "octo"}}}
    )
    with queues.opened(_home(app)) as queue:
        until(lambda: any(each.outcome == "gone" for each in queue.finished(50)), what="\n".join(app.said))
        assert queue.failed() == []
    assert any("installation of octo: deleted" in each for each in app.said)


def _home(app: Running) -> Path:
    return Path(psutil.Process(app.process.pid).environ()["REPAIRBOT_HOME"])


def test_a_worker_that_dies_is_started_again_and_its_job_too(rig: Rig, app: Running) -> None:
    head = pull(rig, 17)
    rig.faults = lambda _number, method, path: Slow(3) if path.endswith("/pulls/17/files") else None
    delivered(rig, "pull_request", apps.opened(17, head))
    until(lambda: any(each.path.endswith("/pulls/17/files") for each in rig.log), what="\n".join(app.said))
    (worker,) = psutil.Process(app.process.pid).children()
    worker.kill()
    rig.faults = lambda *_: None
    until(lambda: done(rig, [17]), what="\n".join(app.said))
    assert counted(rig, 17) == ONE


def test_it_stops_in_time_and_hands_back_what_it_has_not_done(rig: Rig, tmp_path: Path) -> None:
    head = pull(rig, 18)
    rig.faults = lambda _number, method, path: Slow(30) if path.endswith("/pulls/18/files") else None
    told = environment(rig, tmp_path, SWEEP_MINUTES="0")
    with serving(rig, told) as other:
        delivered(rig, "pull_request", apps.opened(18, head))
        until(lambda: any(each.path.endswith("/pulls/18/files") for each in rig.log))
        assert other.stop() < 20
        assert other.process.returncode == 0
    rig.faults = lambda *_: None
    with serving(rig, told) as other:
        until(lambda: done(rig, [18]), what="\n".join(other.said))
    assert counted(rig, 18) == ONE


@pytest.mark.needs("initdb", "pg_ctl")
def test_on_postgresql_a_dead_worker_s_job_is_taken_over_within_seconds(rig: Rig, tmp_path: Path) -> None:
    with postgres.running() as database:
        told = environment(rig, tmp_path, database, JOBS="1", SWEEP_MINUTES="0")
        head = pull(rig, 19)
        with serving(rig, {**told, "JOBS": "0"}):
            workers = [start("worker", told)]
            try:
                rig.faults = lambda _number, _method, path: (
                    Slow(20) if path.endswith("/pulls/19/files") else None
                )
                delivered(rig, "pull_request", apps.opened(19, head))
                until(lambda: any(each.path.endswith("/pulls/19/files") for each in rig.log))
                workers.append(start("worker", told))
                until(lambda: any("working" in row for row in workers[1].said), what=str(workers[1].said))
                rig.faults = lambda *_: None
                died = time.monotonic()
                workers[0].kill()
                until(lambda: any("process of slot 0 died" in row for row in workers[1].said), 20)
                assert time.monotonic() - died < 10
                until(lambda: done(rig, [19]), what="\n".join(workers[1].said))
                print(workers[1].stop())
            finally:
                for each in workers:
                    each.kill()
        assert counted(rig, 19) == ONE
