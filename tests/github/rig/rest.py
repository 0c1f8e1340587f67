"""The REST API, as far as the bot uses it, with GitHub's refusals. A handler answers one operation."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from . import answers, manifest
from .answers import Json
from .state import (
    CheckRun,
    Comment,
    Issue,
    Level,
    Pull,
    Reaction,
    Review,
    ReviewComment,
    State,
    Thread,
    Token,
)

BODY_LIMIT = 65_536
REVIEW_LIMIT = 30


class Refused(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.answer: Json = {"message": message, "documentation_url": "https://docs.github.com/rest", **more}


@dataclass(slots=True)
class Call:
    """One request on its way. `api` and `web`: the addresses the rig goes by."""

    state: State
    token: Token
    method: str
    path: str
    query: dict[str, list[str]]
    body: Any
    api: str
    web: str
    parts: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def need(self, *names: str, level: Level = "write") -> None:
        """Refuse a token that has none of these permissions."""
        if not any(self.token.may(name, level) for name in names):
            raise Refused(403, "Resource not accessible by integration")

    def page(self, found: list[Json], key: str = "") -> Any:
        """One page of a list, and the link to the next."""
        size = int(self.query.get("per_page", ["30"])[0])
        number = int(self.query.get("page", ["1"])[0])
        if number * size < len(found):
            self.headers["Link"] = f'<{self.api}{self.path}?per_page={size}&page={number + 1}>; rel="next"'
        rows = found[(number - 1) * size : number * size]
        return {"total_count": len(found), key: rows} if key else rows

    def address(self, pull: Pull) -> str:
        """Where a pull request is read."""
        return f"{self.api}/repos/{self.state.full_name}/pulls/{pull.number}"

    @property
    def pull(self) -> Pull:
        held = self.state.pulls.get(int(self.parts["number"]))
        return held if held is not None else missing()


Handler = Callable[[Call], tuple[int, Any]]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def missing() -> NoReturn:
    """What GitHub says of what is not there, or not to be seen."""
    raise Refused(404, "Not Found")


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Answer `method` on a path below the repository; `{number}` etc. are parts, `{path}` may hold slashes."""
    pattern = re.sub(r"\{(path|ref)\}", r"(?P<\1>.+)", path)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)

    def keep(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(r"/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)" + pattern), handler))
        return handler

    return keep


def answer(call: Call) -> tuple[int, Any]:
    """Answer one request to the REST API. Raises Refused."""
    if call.path == "/user":
        if call.token.account.bot:
            raise Refused(403, "Resource not accessible by integration")
        return 200, answers.account(call.token.account)
    if call.method == "POST" and (code := re.fullmatch(r"/app-manifests/([^/]+)/conversions", call.path)):
        return 201, manifest.exchange(call.state, code[1], call.web) or missing()
    if (call.method, call.path) == ("GET", "/installation/repositories") and call.token.account.bot:
        return 200, call.page([answers.repository(call.state)], "repositories")
    for method, pattern, handler in ROUTES:
        match = pattern.fullmatch(call.path)
        if match and method == call.method:
            call.parts = match.groupdict()
            name = f"{call.parts['owner']}/{call.parts['repo']}"
            if name == call.state.former_name:
                place = call.path.replace(name, call.state.full_name, 1)
                raise Refused(301, "Moved Permanently", url=call.api + place)
            if name != call.state.full_name:
                missing()
            return handler(call)
    missing()


def checked(body: Any, key: str = "body", limit: int = BODY_LIMIT) -> str:
    """A text within its limit. Raises Refused."""
    text = body.get(key) or ""
    if len(text) > limit:
        raise Refused(422, "Validation Failed", errors=[f"body is too long (maximum is {limit} characters)"])
    return str(text)


@route("GET", "")
def _repository(call: Call) -> tuple[int, Any]:
    return 200, answers.repository(call.state)


@route("GET", r"/collaborators/{login}/permission")
def _permission(call: Call) -> tuple[int, Any]:
    who = call.state.accounts.get(call.parts["login"]) or missing()
    return 200, {
        "permission": who.role,
        "role_name": who.role,
        "user": {**answers.account(who), "role_name": who.role},
    }


@route("GET", r"/pulls/{number}")
def _pull(call: Call) -> tuple[int, Any]:
    return 200, answers.pull(call.state, call.pull, call.api, call.web)


@route("GET", r"/pulls/{number}/files")
def _files(call: Call) -> tuple[int, Any]:
    git, pull = call.state.repository, call.pull
    found = git.diff(git.merge_base(call.state.base(pull), pull.head), pull.head)
    return 200, call.page([answers.changed_file(each) for each in found[: call.state.most_files]])


@route("GET", r"/compare/{path}")
def _compare(call: Call) -> tuple[int, Any]:
    git = call.state.repository
    base, _, head = call.parts["path"].partition("...")
    if not (git.has(base) and git.has(head)):
        missing()
    since = git.merge_base(base, head)
    return 200, {
        "status": "ahead",
        "merge_base_commit": {"sha": since},
        "base_commit": {"sha": base},
        "commits": [],
        "files": [answers.changed_file(each) for each in git.diff(since, head)[:300]],
    }


@route("GET", r"/pulls/{number}/reviews")
def _reviews(call: Call) -> tuple[int, Any]:
    return 200, call.page([answers.review(each) for each in call.pull.reviews])


@route("GET", r"/pulls/{number}/comments")
def _review_comments(call: Call) -> tuple[int, Any]:
    pull = call.pull
    return 200, call.page(
        [
            answers.review_comment(call.address(pull), thread, each, pull.head)
            for thread in pull.threads
            for each in thread.comments
        ]
    )


@route("POST", r"/pulls/{number}/reviews")
def _review(call: Call) -> tuple[int, Any]:
    call.need("pull_requests")
    pull, wanted = call.pull, call.body.get("comments") or []
    event, body = call.body.get("event"), checked(call.body)
    if event is None:
        raise Refused(422, "Unprocessable Entity", errors=["the rig has no pending reviews"])
    if event == "COMMENT" and not body and not wanted:
        raise Refused(422, "Unprocessable Entity", errors=["Review cannot be empty"])
    if len(wanted) > REVIEW_LIMIT:
        raise Refused(502, "Server Error")
    commit = call.body.get("commit_id") or pull.head
    if commit not in pull.heads:
        raise Refused(422, "Unprocessable Entity", errors=["commit_id is not part of the pull request"])
    problems = [problem for each in wanted if (problem := _unplaced(call.state, pull, commit, each))]
    if problems:
        raise Refused(422, "Unprocessable Entity", errors=problems)
    states = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}
    made = Review(next(call.state.numbers), call.token.account, body, states[event], commit)
    pull.reviews.append(made)
    for each in wanted:
        comment = ReviewComment(
            next(call.state.numbers),
            made.id,
            call.token.account,
            each["body"],
            each["path"],
            commit,
            each["line"],
            each.get("side", "RIGHT"),
            each.get("start_line"),
            each.get("start_side"),
        )
        line = call.state.place(pull, comment, comment.line)
        thread = Thread(next(call.state.numbers), [comment], line, comment.start_line if line else None)
        pull.threads.append(thread)
    return 200, answers.review(made)


def _unplaced(state: State, pull: Pull, commit: str, each: Json) -> str:
    """Why a comment cannot stand where it wants to, in GitHub's words; "" where it can."""
    checked(each)
    if not each["body"]:
        return "Body can't be blank"
    if "line" not in each:
        return "the rig takes comments by line alone"
    shown = state.changed(pull, commit, each["path"])
    if shown is None:
        return "Path could not be resolved"
    side, line = each.get("side", "RIGHT"), each["line"]
    hunk = next((hunk for hunk in shown.lines(side) if line in hunk), None)
    if hunk is None:
        return "Line could not be resolved"
    if (start := each.get("start_line")) is not None:
        if start >= line:
            return "Start line must precede the end line."
        if start not in (hunk if each.get("start_side", "RIGHT") == side else range(0)):
            return "start line must be part of the same hunk as the line."
    return ""


@route("POST", r"/pulls/{number}/comments/{id}/replies")
def _reply(call: Call) -> tuple[int, Any]:
    call.need("pull_requests")
    found = call.state.thread_of(int(call.parts["id"])) or missing()
    first = found[1].comments[0]
    made = ReviewComment(
        next(call.state.numbers),
        first.review,
        call.token.account,
        checked(call.body),
        first.path,
        first.commit,
        first.line,
        first.side,
        reply_to=first.id,
    )
    found[1].comments.append(made)
    return 201, answers.review_comment(call.address(found[0]), found[1], made, found[0].head)


def _own(call: Call, held: Comment | ReviewComment) -> None:
    if held.account != call.token.account and call.token.account.role != "admin":
        raise Refused(403, "Resource not accessible by integration")


@route("GET", r"/pulls/comments/{id}")
@route("PATCH", r"/pulls/comments/{id}")
@route("DELETE", r"/pulls/comments/{id}")
def _review_comment(call: Call) -> tuple[int, Any]:
    pull, thread = call.state.thread_of(int(call.parts["id"])) or missing()
    held = next(each for each in thread.comments if each.id == int(call.parts["id"]))
    if call.method != "GET":
        call.need("pull_requests")
        _own(call, held)
    if call.method == "PATCH":
        held.body = checked(call.body)
    elif call.method == "DELETE":
        thread.comments.remove(held)
        if not thread.comments:
            pull.threads.remove(thread)
        return 204, None
    return 200, answers.review_comment(call.address(pull), thread, held, pull.head)


@route("GET", r"/issues/{number}/comments")
def _comments(call: Call) -> tuple[int, Any]:
    number = int(call.parts["number"])
    return 200, call.page(
        [answers.comment(call.state, each, call.web) for each in call.state.comments_of(number)]
    )


@route("POST", r"/issues/{number}/comments")
def _comment(call: Call) -> tuple[int, Any]:
    call.need("issues", "pull_requests")
    number = int(call.parts["number"])
    if number not in call.state.pulls and number not in call.state.issues:
        missing()
    made = Comment(next(call.state.numbers), number, call.token.account, checked(call.body))
    call.state.comments.append(made)
    return 201, answers.comment(call.state, made, call.web)


@route("GET", r"/issues/comments/{id}")
@route("PATCH", r"/issues/comments/{id}")
@route("DELETE", r"/issues/comments/{id}")
def _one_comment(call: Call) -> tuple[int, Any]:
    held = _comment_of(call)
    if call.method != "GET":
        call.need("issues", "pull_requests")
        _own(call, held)
    if call.method == "PATCH":
        held.body = checked(call.body)
    elif call.method == "DELETE":
        call.state.comments.remove(held)
        return 204, None
    return 200, answers.comment(call.state, held, call.web)


def _comment_of(call: Call) -> Comment:
    number = int(call.parts["id"])
    return next((each for each in call.state.comments if each.id == number), None) or missing()


def _review_comment_of(call: Call) -> ReviewComment:
    number = int(call.parts["id"])
    _pull, thread = call.state.thread_of(number) or missing()
    return next(each for each in thread.comments if each.id == number)


@route("GET", r"/(?P<kind>issues|pulls)/comments/{id}/reactions")
@route("POST", r"/(?P<kind>issues|pulls)/comments/{id}/reactions")
def _reactions(call: Call) -> tuple[int, Any]:
    held: Comment | ReviewComment
    held = _comment_of(call) if call.parts["kind"] == "issues" else _review_comment_of(call)
    if call.method == "GET":
        return 200, call.page([answers.reaction(each) for each in held.reactions])
    call.need("issues" if call.parts["kind"] == "issues" else "pull_requests")
    content = call.body["content"]
    for each in held.reactions:
        if (each.content, each.account) == (content, call.token.account):
            return 200, answers.reaction(each)
    held.reactions.append(Reaction(next(call.state.numbers), content, call.token.account))
    return 201, answers.reaction(held.reactions[-1])


@route("GET", r"/commits/{sha}/check-runs")
def _checks(call: Call) -> tuple[int, Any]:
    name = call.query.get("check_name", [""])[0]
    found = [each for each in call.state.checks if each.head_sha == call.parts["sha"]]
    return 200, call.page(
        [answers.check_run(each) for each in reversed(found) if name in ("", each.name)], "check_runs"
    )


@route("POST", r"/check-runs")
def _make_check(call: Call) -> tuple[int, Any]:
    call.need("checks")
    if not call.state.repository.has(call.body["head_sha"]):
        raise Refused(422, f"No commit found for SHA: {call.body['head_sha']}")
    made = CheckRun(next(call.state.numbers), call.body["name"], call.body["head_sha"])
    call.state.checks.append(made)
    return 201, _checked(made, call.body)


@route("GET", r"/check-runs/{id}")
@route("PATCH", r"/check-runs/{id}")
def _check(call: Call) -> tuple[int, Any]:
    held = next((each for each in call.state.checks if each.id == int(call.parts["id"])), None) or missing()
    if call.method == "GET":
        return 200, answers.check_run(held)
    call.need("checks")
    return 200, _checked(held, call.body)


@route("GET", r"/check-runs/{id}/annotations")
def _annotations(call: Call) -> tuple[int, Any]:
    held = next((each for each in call.state.checks if each.id == int(call.parts["id"])), None) or missing()
    return 200, call.page(held.annotations)


def _checked(held: CheckRun, body: Json) -> Json:
    held.name = body.get("name", held.name)
    held.status = "completed" if body.get("conclusion") else body.get("status", held.status)
    held.conclusion = body.get("conclusion", held.conclusion)
    held.external_id = body.get("external_id", held.external_id)
    held.details_url = body.get("details_url", held.details_url)
    held.actions = body.get("actions", held.actions)
    if output := body.get("output"):
        held.title = output.get("title", held.title)
        held.summary, held.text = output["summary"], output.get("text", held.text)
        held.annotations += output.get("annotations", [])
    return answers.check_run(held)


@route("GET", r"/contents/{path}")
def _contents(call: Call) -> tuple[int, Any]:
    git = call.state.repository
    reference = call.query.get("ref", ["main"])[0]
    commit = reference if git.has(reference) else git.tip(reference) or missing()
    content = git.show(commit, call.parts["path"])
    if content is None:
        missing()
    return 200, {
        "type": "file",
        "encoding": "base64",
        "size": len(content),
        "path": call.parts["path"],
        "name": call.parts["path"].rpartition("/")[2],
        "sha": git.git("hash-object", "--stdin", given=content).decode().strip(),
        "content": base64.encodebytes(content).decode(),
    }


@route("GET", r"/issues")
def _issues(call: Call) -> tuple[int, Any]:
    states = call.query.get("state", ["open"])[0]
    labels = set(filter(None, call.query.get("labels", [""])[0].split(",")))
    creator = call.query.get("creator", [""])[0]
    found = [
        answers.issue(call.state, each, call.web)
        for each in call.state.issues.values()
        if states in ("all", each.state)
        and labels <= set(each.labels)
        and creator in ("", each.account.login)
    ]
    return 200, call.page(found[::-1])


@route("POST", r"/issues")
def _make_issue(call: Call) -> tuple[int, Any]:
    call.need("issues")
    number = next(call.state.numbers)
    labels = [each if isinstance(each, str) else each["name"] for each in call.body.get("labels", [])]
    made = Issue(number, call.token.account, str(call.body["title"]), checked(call.body), labels=labels)
    call.state.issues[number] = made
    return 201, answers.issue(call.state, made, call.web)


@route("GET", r"/issues/{number}")
@route("PATCH", r"/issues/{number}")
def _issue(call: Call) -> tuple[int, Any]:
    held = call.state.issues.get(int(call.parts["number"])) or missing()
    if call.method == "PATCH":
        call.need("issues")
        held.title = call.body.get("title", held.title)
        held.body = checked(call.body) if "body" in call.body else held.body
        held.state = call.body.get("state", held.state)
    return 200, answers.issue(call.state, held, call.web)


def parsed(body: bytes) -> Any:
    """The body of a request."""
    return json.loads(body) if body else {}
