"""The GraphQL API for threads: GitHub's own schema, executed over what the rig remembers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLError, execute

from . import answers
from .answers import Json
from .judge import document, graphql_schema
from .state import Account, Comment, Pull, ReviewComment, State, Thread, Token

MOST = 100


class Denied(GraphQLError):
    """An error with GitHub's `type`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def answer(state: State, token: Token, query: str, variables: Json, web: str) -> Json:
    """The whole answer to one document that was judged before: `data` and, where something failed, `errors`."""
    root = _Root(state, token, web)
    done = execute(graphql_schema(), document(query), root_value=root.fields(), variable_values=variables)
    assert isinstance(done, ExecutionResult)
    held: Json = {"data": done.data}
    if done.errors:
        held["errors"] = [_error(each) for each in done.errors]
    return held


def _error(error: GraphQLError) -> Json:
    said: Json = {"message": error.message, "path": error.path}
    if isinstance(error.original_error, Denied):
        said["type"] = error.original_error.kind
    return said


def connection(found: Sequence[Any]) -> Callable[..., Json]:
    """A connection over these nodes; cursors are places. GitHub refuses one without `first` or `last`."""

    def page(
        _info: Any, first: int | None = None, last: int | None = None, after: str | None = None, **_: Any
    ) -> Json:
        if first is None and last is None:
            raise Denied("MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value.")
        if not 0 < (first or last or 0) <= MOST:
            raise Denied("EXCESSIVE_PAGINATION", f"exceeds the limit of {MOST} records")
        start = int(after) if after else 0
        nodes = found[start : start + first] if first is not None else found[-(last or 0) :]
        end = start + len(nodes)
        return {
            "nodes": nodes,
            "totalCount": len(found),
            "pageInfo": {
                "hasNextPage": first is not None and end < len(found),
                "hasPreviousPage": start > 0,
                "endCursor": str(end) if nodes else None,
                "startCursor": str(start) if nodes else None,
            },
        }

    return page


class _Root:
    def __init__(self, state: State, token: Token, web: str) -> None:
        self.state, self.token, self.web = state, token, web

    def fields(self) -> Json:
        return {
            "repository": self.repository,
            "node": self.node,
            # Measured by others: here a bot's login keeps its ending (fullsend-ai/fullsend#1953).
            "viewer": lambda _info: {
                **self.actor(self.token.account),
                "__typename": "User",
                "login": self.token.account.login,
            },
            "resolveReviewThread": self.resolve,
            "unresolveReviewThread": self.resolve,
            "minimizeComment": self.minimise,
            "unminimizeComment": self.minimise,
        }

    def repository(self, _info: Any, owner: str, name: str, **_: Any) -> Json:
        if f"{owner}/{name}" != self.state.full_name:
            raise Denied("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return {"nameWithOwner": self.state.full_name, "pullRequest": self.pull}

    def node(self, _info: Any, id: str) -> Json | None:  # noqa: A002
        """A thread by its id; other nodes are not asked for."""
        found = [
            (pull, each) for pull in self.state.pulls.values() for each in pull.threads if each.node == id
        ]
        return {**self.thread(*found[0]), "__typename": "PullRequestReviewThread"} if found else None

    def pull(self, _info: Any, number: int) -> Json:
        held = self.state.pulls.get(number)
        if held is None:
            raise Denied("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        comments = [self.comment(each) for each in self.state.comments_of(number)]
        return {
            "id": f"PR_{number}",
            "number": number,
            "headRefOid": held.head,
            "comments": connection(comments),
            "reviewThreads": connection([self.thread(held, each) for each in held.threads]),
        }

    def thread(self, pull: Pull, held: Thread) -> Json:
        first = held.comments[0]
        return {
            "id": held.node,
            "isResolved": held.resolved_by is not None,
            "isOutdated": held.line is None,
            "isCollapsed": False,
            "path": first.path,
            "line": held.line,
            "startLine": held.start_line,
            "originalLine": first.line,
            "originalStartLine": first.start_line,
            "diffSide": first.side,
            "startDiffSide": first.start_side,
            "resolvedBy": held.resolved_by and {**self.actor(held.resolved_by), "__typename": "User"},
            "viewerCanResolve": self.token.may("contents"),
            "comments": connection([self.review_comment(pull, each) for each in held.comments]),
        }

    def actor(self, who: Account) -> Json:
        """A bot's login has no `[bot]` here."""
        return {
            "__typename": "Bot" if who.bot else "User",
            "login": who.login.removesuffix("[bot]"),
            "databaseId": who.id,
            "id": f"U_{who.id}",
        }

    def comment(self, held: Comment) -> Json:
        return {**self.said(held), "databaseId": held.id, "fullDatabaseId": str(held.id)}

    def review_comment(self, pull: Pull, held: ReviewComment) -> Json:
        return {
            **self.said(held),
            "databaseId": held.id,
            "fullDatabaseId": str(held.id),
            "path": held.path,
            "originalCommit": {"oid": held.commit},
            "pullRequestReview": {"id": f"PRR_{held.review}"},
        }

    def said(self, held: Comment | ReviewComment) -> Json:
        return {
            "id": held.node,
            "body": held.body,
            "author": self.actor(held.account),
            "authorAssociation": answers.association(held.account),
            "viewerDidAuthor": held.account == self.token.account,
            "isMinimized": bool(held.minimized),
            "minimizedReason": held.minimized.lower() or None,
            "createdAt": answers.WHEN,
        }

    def resolve(self, info: Any, **arguments: Any) -> Json:
        node = arguments["input"]["threadId"]
        found = [
            (pull, each) for pull in self.state.pulls.values() for each in pull.threads if each.node == node
        ]
        if not found:
            raise Denied("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")
        if not (self.token.may("pull_requests") and self.token.may("contents")):
            raise Denied("FORBIDDEN", "Resource not accessible by integration")
        pull, thread = found[0]
        thread.resolved_by = self.token.account if info.field_name == "resolveReviewThread" else None
        return {"thread": self.thread(pull, thread), "clientMutationId": None}

    def minimise(self, info: Any, **arguments: Any) -> Json:
        node = arguments["input"]["subjectId"]
        held: list[Comment | ReviewComment] = [each for each in self.state.comments if each.node == node]
        for pull in self.state.pulls.values():
            held += [each for thread in pull.threads for each in thread.comments if each.node == node]
        if not held:
            raise Denied("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'")
        if not self.token.may("pull_requests"):
            raise Denied("FORBIDDEN", "Resource not accessible by integration")
        held[0].minimized = arguments["input"].get("classifier", "")
        kind = "IssueComment" if node.startswith("IC_") else "PullRequestReviewComment"
        shown = {
            "__typename": kind,
            "isMinimized": bool(held[0].minimized),
            "minimizedReason": held[0].minimized.lower() or None,
        }
        field = "minimizedComment" if info.field_name == "minimizeComment" else "unminimizedComment"
        return {field: shown, "clientMutationId": None}
