"""A commit on a branch through the Git data API: built on the head it was planned for, and never forced."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from repairbot.github.client import commit, repository
from repairbot.github.errors import Denied, GitHubError, HeadMoved, NotThere, Refused
from repairbot.github.transport import Transport

FILES: Final = frozenset({"100644", "100755"})
"""The modes of files; a link or a submodule is never written."""


def push(
    transport: Transport, repo: str, branch: str, head: str, contents: Mapping[str, bytes], message: str
) -> str:
    """Commit these files' new contents (bytes by path) on a branch that stands at `head`; the commit's name.

    Raises HeadMoved where the branch stands elsewhere, Denied where the token may not push, GitHubError.
    """
    place = f"/repos/{repository(repo)}/git"
    try:
        tree = commit(transport.get(f"{place}/commits/{commit(head)}")["tree"]["sha"])
        modes = _modes(transport, place, tree, contents)
        entries = [
            {"path": path, "mode": modes[path], "type": "blob", "sha": _blob(transport, place, content)}
            for path, content in sorted(contents.items())
        ]
        made = transport.write("POST", f"{place}/trees", {"base_tree": tree, "tree": entries})
        body = {"message": message, "tree": commit(made["sha"]), "parents": [head]}
        new = commit(transport.write("POST", f"{place}/commits", body)["sha"])
        _advance(transport, place, branch, head, new)
    except (Denied, NotThere) as error:  # GitHub hides from some tokens what they may not do
        raise Denied(f"the token may not push to {repo}: {error}") from None
    return new


def _advance(transport: Transport, place: str, branch: str, head: str, new: str) -> None:
    """Move the branch from `head` to `new`. Raises HeadMoved."""

    def tip() -> str:
        return commit(transport.get(f"{place}/ref/heads/{quote(branch)}")["object"]["sha"])

    # GitHub takes whatever is a fast-forward: also onto a branch that was set back since.
    if tip() != head:
        raise HeadMoved(f"{branch} has moved on")
    try:
        transport.write(
            "PATCH",
            f"{place}/refs/heads/{quote(branch)}",
            {"sha": new, "force": False},
            lambda: tip() == new or None,
        )
    except Refused as error:
        if tip() != head:
            raise HeadMoved(f"{branch} has moved on") from None
        raise Denied(f"a rule of the branch forbids it ({'; '.join(error.reasons)})") from None


def _blob(transport: Transport, place: str, content: bytes) -> str:
    body = {"content": base64.b64encode(content).decode(), "encoding": "base64"}
    return commit(transport.write("POST", f"{place}/blobs", body)["sha"])


def _modes(transport: Transport, place: str, tree: str, paths: Mapping[str, object]) -> dict[str, str]:
    """The modes that these files have: one request for each folder on the way."""
    trees: dict[str, dict[str, dict[str, Any]]] = {}

    def listed(folder: str, name: str) -> dict[str, dict[str, Any]]:
        if folder not in trees:
            rows = transport.get(f"{place}/trees/{name}")["tree"]
            trees[folder] = {row["path"]: row for row in rows}
        return trees[folder]

    modes = {}
    for path in paths:
        *folders, name = path.split("/")
        rows, here = listed("", tree), ""
        for folder in folders:
            here += folder + "/"
            row = rows.get(folder)
            rows = listed(here, commit(row["sha"])) if row and row["type"] == "tree" else {}
        found = rows.get(name)
        if found is None or found["mode"] not in FILES:
            raise GitHubError(f"{path} is no file of the head")
        modes[path] = found["mode"]
    return modes
