"""What GitHub answers for each thing the rig remembers: JSON with the fields that clients read."""

from __future__ import annotations

from typing import Any

from .repository import Changed
from .state import Account, CheckRun, Comment, Issue, Pull, Reaction, Review, ReviewComment, State, Thread

Json = dict[str, Any]
WHEN = "2026-11-21T05:00:00Z"


def account(who: Account) -> Json:
    """A user; a bot's login ends in `[bot]` here and not in GraphQL."""
    return {"login": who.login, "id": who.id, "type": "Bot" if who.bot else "User", "site_admin": False}


def repository(state: State, full_name: str = "") -> Json:
    """A repository, or a fork of it."""
    full_name = full_name or state.full_name
    owner, _, name = full_name.partition("/")
    return {
        "id": sum(map(ord, full_name)),
        "name": name,
        "full_name": full_name,
        "private": state.private,
        "fork": full_name != state.full_name,
        "default_branch": "main",
        "owner": account(state.accounts.get(owner, Account(owner))),
    }


def pull(state: State, held: Pull, api: str, web: str) -> Json:
    """One pull request."""
    base = state.base(held)
    changed = state.repository.diff(state.repository.merge_base(base, held.head), held.head)
    head_repo = None if held.fork == "gone" else repository(state, held.fork)
    return {
        "number": held.number,
        "id": 1000 + held.number,
        "node_id": f"PR_{held.number}",
        "url": f"{api}/repos/{state.full_name}/pulls/{held.number}",
        "html_url": f"{web}/{state.full_name}/pull/{held.number}",
        "state": held.state,
        "title": held.title,
        "body": None,
        "draft": held.draft,
        "locked": False,
        "user": account(held.account),
        "labels": [{"id": 1, "name": name, "color": "ededed", "default": False} for name in held.labels],
        "head": {"ref": held.head_ref, "sha": held.head, "repo": head_repo, "label": f"octo:{held.head_ref}"},
        "base": {
            "ref": held.base_ref,
            "sha": base,
            "repo": repository(state),
            "label": f"octo:{held.base_ref}",
        },
        "requested_teams": [],
        "requested_reviewers": [],
        "maintainer_can_modify": bool(held.fork),
        "changed_files": len(changed),
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def changed_file(each: Changed) -> Json:
    """One file of a diff; without `patch` where there is nothing to show."""
    lines = (each.patch or "").splitlines()
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    answer: Json = {
        "sha": each.name,
        "filename": shown(each.path),
        "status": each.status,
        "additions": added,
        "deletions": removed,
        "changes": added + removed,
    }
    if each.patch is not None:
        answer["patch"] = each.patch
    if each.previous != each.path:
        answer["previous_filename"] = shown(each.previous)
    return answer


def shown(path: str) -> str:
    """A path as JSON can hold it: bytes that are no UTF-8 are replaced."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def reaction(held: Reaction) -> Json:
    """One reaction."""
    return {"id": held.id, "content": held.content, "user": account(held.account), "created_at": WHEN}


def comment(state: State, held: Comment, web: str) -> Json:
    """A comment on a page."""
    return {
        "id": held.id,
        "node_id": held.node,
        "body": held.body,
        "user": account(held.account),
        "author_association": association(held.account),
        "html_url": f"{web}/{state.full_name}/pull/{held.number}#issuecomment-{held.id}",
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def association(who: Account) -> str:
    """How GitHub says that somebody belongs to the repository."""
    known = {"admin": "OWNER", "write": "COLLABORATOR"}
    return "NONE" if who.bot else known.get(who.role, "CONTRIBUTOR")


def review(held: Review) -> Json:
    """One review."""
    return {
        "id": held.id,
        "node_id": held.node,
        "user": account(held.account),
        "body": held.body,
        "state": held.state,
        "commit_id": held.commit,
        "submitted_at": WHEN,
    }


def review_comment(pull_url: str, thread: Thread, held: ReviewComment, head: str) -> Json:
    """A comment on lines."""
    answer: Json = {
        "id": held.id,
        "node_id": held.node,
        "pull_request_review_id": held.review,
        "user": account(held.account),
        "body": held.body,
        "path": held.path,
        "commit_id": head,
        "original_commit_id": held.commit,
        "line": thread.line,
        "original_line": held.line,
        "start_line": thread.start_line,
        "original_start_line": held.start_line,
        "side": held.side,
        "start_side": held.start_side,
        "author_association": association(held.account),
        "pull_request_url": pull_url,
        "created_at": WHEN,
        "updated_at": WHEN,
    }
    if held.reply_to is not None:
        answer["in_reply_to_id"] = held.reply_to
    return answer


def check_run(held: CheckRun) -> Json:
    """One check run; the annotations are counted only."""
    return {
        "id": held.id,
        "node_id": f"CR_{held.id}",
        "name": held.name,
        "head_sha": held.head_sha,
        "external_id": held.external_id,
        "status": held.status,
        "conclusion": held.conclusion,
        "details_url": held.details_url,
        "output": {
            "title": held.title,
            "summary": held.summary,
            "text": held.text,
            "annotations_count": len(held.annotations),
        },
        "app": {"id": 15368, "slug": "github-actions", "name": "GitHub Actions"},
    }


def issue(state: State, held: Issue, web: str) -> Json:
    """One issue."""
    return {
        "id": 2000 + held.number,
        "node_id": f"I_{held.number}",
        "number": held.number,
        "title": held.title,
        "body": held.body,
        "state": held.state,
        "user": account(held.account),
        "labels": [{"name": name} for name in held.labels],
        "html_url": f"{web}/{state.full_name}/issues/{held.number}",
        "created_at": WHEN,
        "updated_at": WHEN,
    }
