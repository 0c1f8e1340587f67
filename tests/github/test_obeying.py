"""Commands in comments: who is obeyed, what is done, and how it is answered."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from repairbot.cache import Cache
from repairbot.commands.pages import infos
from repairbot.github import event as events
from repairbot.github.action import DONE, FAILED, Action
from repairbot.github.auditing import Auditor
from repairbot.github.errors import GitHubError
from repairbot.github.model import BODY_LIMIT
from repairbot.github.surroundings import Inputs, Step
from repairbot.pool import Pool
from repairbot.reports.markdown import rule_page
from tests.github.reviewing import NUMBER, REPO, Desk, leaks, opened
from tests.github.rig.faults import Lose, Then, at_random, on
from tests.github.rig.server import Rig, no_fault
from tests.github.rig.state import AUTHOR, BOT, OWNER, VISITOR, Account, Comment, ReviewComment
from tests.github.runner import rights, said

BASE = {"a.py": "x = 1\n"}
HEAD = {"a.py": leaks("one", "two"), "b.py": leaks("three")}
CHOICE = """\
import functools


class Client:
    @functools.lru_cache(maxsize=None)
    def fetch(self, key):
        return key
"""


@pytest.fixture
def desk(rig: Rig, tmp_path: Path) -> Desk:
    """A pull request that brings three leaks in, reviewed."""
    desk = opened(rig, tmp_path, BASE, HEAD)
    desk.review()
    desk.token = rig.token("ghs_run", **rights("review-commands.yml"))
    rig.log.clear()
    return desk


def tell(desk: Desk, body: str, account: Account = AUTHOR, thread: int = 0) -> tuple[int, str]:
    """Comment, and have the Action answer: its exit code and log."""
    log: list[str] = []
    event = events.read(*said(desk.rig, NUMBER, body, account, thread))
    client = desk.client()
    with Pool() as pool, Cache(str(desk.cache), lambda _: None) as cache:
        step = Step({"RUNNER_TEMP": str(desk.cache.parent)}, log.append)
        code = Action(client, Auditor(pool, cache), REPO, Inputs(), step, infos).act(event)
    client.transport.close()
    return code, "\n".join(log)


def reactions(desk: Desk) -> list[str]:
    """Those on the newest comment of a person, be it on the page or in a thread."""
    state = desk.rig.state
    every: list[Comment | ReviewComment] = [*state.comments]
    every += [each for thread in desk.pull.threads for each in thread.comments]
    newest = max((each for each in every if not each.account.bot), key=lambda each: each.id)
    return [each.content for each in newest.reactions]


def answers(desk: Desk) -> list[str]:
    """What the bot said, beside the report and the findings."""
    every = [*desk.reports(), *(each.body for thread in desk.pull.threads for each in thread.comments[1:])]
    return [body for body in every if "repairbot:answer" in body]


def shown(desk: Desk, path: str) -> str:
    content = desk.rig.state.repository.show(desk.pull.head, path)
    assert content is not None
    return content.decode()


def test_fix_commits_the_safe_repairs_once_and_looks_again(desk: Desk) -> None:
    head = desk.pull.head
    desk.push(c__py=CHOICE)
    before = desk.pull.head
    code, log = tell(desk, "Please.\n\n/repairbot fix\n")
    assert code == DONE, log
    git = desk.rig.state.repository
    assert git.parents(desk.pull.head) == [before] != [head]
    assert shown(desk, "a.py") == leaks("one", "two", fixed="one two")
    assert shown(desk, "b.py") == leaks("three", fixed="three")
    assert shown(desk, "c.py") == CHOICE
    message = git.git("log", "-1", "--format=%B", desk.pull.head).decode()
    assert message.startswith("Repair 3 leaks\n\n- a.py:2: ")
    assert "asked for by mona" in message
    assert reactions(desk) == ["eyes", "+1"]
    assert answers(desk) == []
    assert [thread.comments[0].path for thread in desk.open()] == ["c.py"]


def test_fix_all_takes_choices_too(desk: Desk) -> None:
    desk.push(c__py=CHOICE)
    code, log = tell(desk, "/repairbot fix all")
    assert code == DONE, log
    assert "maxsize=1000" in shown(desk, "c.py")
    assert desk.open() == []


def test_fix_in_a_thread_repairs_what_the_thread_is_about(desk: Desk) -> None:
    thread = next(each for each in desk.open() if each.comments[0].path == "b.py")
    code, log = tell(desk, "/repairbot fix", thread=thread.comments[0].id)
    assert code == DONE, log
    assert shown(desk, "b.py") == leaks("three", fixed="three")
    assert shown(desk, "a.py") == HEAD["a.py"]
    assert len(desk.open()) == 2


def test_fix_leaves_alone_what_the_change_did_not_bring(rig: Rig, tmp_path: Path) -> None:
    old = leaks("old")
    desk = opened(rig, tmp_path, {"a.py": old}, {"a.py": old + "\n\n" + leaks("new")})
    code, log = tell(desk, "/repairbot fix")
    assert code == DONE, log
    assert shown(desk, "a.py") == old + "\n\n" + leaks("new", fixed="new")


def test_nothing_to_fix_is_said_with_what_to_do(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, BASE, {"c.py": CHOICE})
    code, _ = tell(desk, "/repairbot fix")
    assert code == FAILED
    assert reactions(desk) == ["eyes", "confused"]
    (word,) = answers(desk)
    assert "fix all" in word
    assert shown(desk, "c.py") == CHOICE


def test_a_branch_that_moves_is_planned_for_again(desk: Desk) -> None:
    def move() -> None:
        desk.push(b__py=leaks("three", "four"))

    desk.rig.faults = on("POST", "/git/commits", Then(move))
    code, log = tell(desk, "/repairbot fix")
    assert code == DONE, log
    assert shown(desk, "b.py") == leaks("three", "four", fixed="three four")
    assert all(
        each.body.get("force") is False
        for each in desk.rig.log
        if each.method == "PATCH" and "/refs/" in each.path
    )


def test_a_branch_that_moves_again_and_again_is_left_alone_and_said(desk: Desk) -> None:
    count = iter(range(100))

    def move() -> None:
        desk.push(d__py=f"x = {next(count)}\n")

    desk.rig.faults = lambda _, method, path: (
        Then(move) if method == "POST" and path.endswith("/git/commits") else None
    )
    code, _ = tell(desk, "/repairbot fix")
    assert code == FAILED
    assert shown(desk, "a.py") == HEAD["a.py"]
    assert reactions(desk) == ["eyes", "confused"]
    assert "moved on" in answers(desk)[0]


def test_a_fork_cannot_be_pushed_to_and_that_is_said(rig: Rig, tmp_path: Path) -> None:
    desk = opened(rig, tmp_path, BASE, HEAD)
    desk.pull.fork = "hubot/leaky"
    head = desk.pull.head
    code, _ = tell(desk, "/repairbot fix")
    assert code == FAILED
    assert desk.pull.head == head
    assert "no fork" in answers(desk)[0]
    assert reactions(desk) == ["eyes", "confused"]


@pytest.mark.parametrize("where", ["thread", "page by name"])
def test_a_dismissed_finding_stays_dismissed(desk: Desk, where: str) -> None:
    thread = next(each for each in desk.open() if each.comments[0].path == "b.py")
    first = thread.comments[0]
    name = first.body.rpartition("v1 open ")[2].split()[0]
    if where == "thread":
        code, log = tell(desk, "/repairbot dismiss it is closed by its caller", thread=first.id)
    else:
        code, log = tell(desk, f"/repairbot dismiss {name[:8]}")
    assert code == DONE, log
    assert reactions(desk) == ["eyes", "+1"]
    assert [each.comments[0].path for each in desk.open()].count("b.py") == 0
    desk.push(b__py="import os\n\n\n" + HEAD["b.py"])
    desk.review()
    assert [each.comments[0].path for each in desk.open()].count("b.py") == 0


def test_dismiss_on_the_page_says_where_it_belongs(desk: Desk) -> None:
    assert tell(desk, "/repairbot dismiss")[0] == FAILED
    assert "thread" in answers(desk)[0]


def test_rerun_looks_again(desk: Desk) -> None:
    desk.push(a__py=leaks("one", "two", fixed="one"))
    code, _ = tell(desk, "/repairbot rerun")
    assert code == DONE
    assert len(desk.open()) == 2
    assert reactions(desk) == ["eyes", "+1"]


def test_what_was_not_looked_at_is_said_with_its_reason(desk: Desk) -> None:
    desk.pull.draft = True
    assert tell(desk, "/repairbot rerun")[0] == FAILED
    assert "draft" in answers(desk)[0]
    assert reactions(desk) == ["eyes", "confused"]


def test_explain_answers_with_the_page_where_it_was_asked(desk: Desk) -> None:
    first = desk.open()[0].comments[0]
    assert tell(desk, "/repairbot explain never-released", thread=first.id)[0] == DONE
    (word,) = answers(desk)
    assert "never-released" in word
    assert len(desk.reports()) == 1  # in the thread, not on the page
    assert tell(desk, "/repairbot explain never-releasd")[0] == FAILED
    assert "did you mean" in answers(desk)[0]


def test_every_page_fits_a_comment() -> None:
    assert max(len(rule_page(info)) for info in infos().values()) < BODY_LIMIT - 100


def test_help_lists_the_commands_and_is_itself_none(desk: Desk) -> None:
    assert tell(desk, "/repairbot help")[0] == DONE
    assert "/repairbot explain RULE" in answers(desk)[0]
    from repairbot.github.commands import parse

    assert parse(answers(desk)[0]) == ()


@pytest.mark.parametrize(
    "body", ["/repairbot fix all", "/repairbot explain never-released", "/repairbot help"]
)
def test_people_without_write_access_get_a_reaction_and_nothing_else(desk: Desk, body: str) -> None:
    head = desk.pull.head
    code, log = tell(desk, body, VISITOR)
    assert code == DONE
    assert "write access" in log
    assert reactions(desk) == ["confused"]
    assert answers(desk) == []
    assert desk.pull.head == head
    assert len(desk.rig.writes()) == 1


def test_their_dismissal_does_not_count(desk: Desk) -> None:
    first = desk.open()[0].comments[0]
    tell(desk, "/repairbot dismiss", VISITOR, thread=first.id)
    desk.review()
    assert len(desk.open()) == 3


@pytest.mark.parametrize("account", [BOT, Account("other[bot]", bot=True, role="write")])
def test_bots_are_never_obeyed(desk: Desk, account: Account) -> None:
    code, log = tell(desk, "/repairbot fix", account)
    assert (code, desk.rig.log) == (DONE, [])
    assert "a bot wrote the comment" in log


@pytest.mark.parametrize("body", ["> /repairbot fix", "```\n/repairbot fix\n```", "say `/repairbot fix`"])
def test_a_quoted_command_costs_no_request(desk: Desk, body: str) -> None:
    assert tell(desk, body, OWNER)[0] == DONE
    assert desk.rig.log == []


def test_what_is_no_command_is_answered_with_the_list(desk: Desk) -> None:
    assert tell(desk, "/repairbot make <b>coffee</b>")[0] == FAILED
    (word,) = answers(desk)
    assert "no such command" in word
    assert "coffee" not in word


def test_a_lost_answer_makes_no_second_comment(desk: Desk) -> None:
    desk.rig.faults = on("POST", f"/issues/{NUMBER}/comments", Lose(502))
    assert tell(desk, "/repairbot help")[0] == DONE
    assert len(answers(desk)) == 1


def test_two_commands_in_one_comment_are_both_done(desk: Desk) -> None:
    assert tell(desk, "/repairbot explain nothing\n/repairbot fix")[0] == FAILED
    assert shown(desk, "b.py") == leaks("three", fixed="three")
    assert reactions(desk) == ["eyes", "confused"]


def test_without_the_right_to_react_nothing_is_done_and_it_is_said_where_to_write(desk: Desk) -> None:
    desk.token = desk.rig.token(
        "ghs_read", contents="read", pull_requests="read", issues="read", checks="read"
    )
    code, log = tell(desk, "/repairbot fix")
    assert code == FAILED
    assert "on the pull request's page" in log
    assert desk.rig.writes() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_whatever_goes_wrong_on_the_way_the_branch_is_repaired_once(desk: Desk, seed: int) -> None:
    git, before = desk.rig.state.repository, desk.pull.head
    desk.rig.faults = at_random(0.2, seed)
    with suppress(GitHubError):  # which `repairbot action` says on the run's page
        tell(desk, "/repairbot fix\n/repairbot explain never-released")
    desk.rig.faults = no_fault
    tell(desk, "/repairbot fix")
    assert git.parents(desk.pull.head) == [before]
    assert shown(desk, "a.py") == leaks("one", "two", fixed="one two")
    assert shown(desk, "b.py") == leaks("three", fixed="three")
    tell(desk, "/repairbot rerun")
    assert desk.open() == []
    said_of = [body.rpartition("<!-- repairbot:answer ")[2] for body in answers(desk)]
    assert len(said_of) == len(set(said_of))
