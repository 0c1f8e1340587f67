"""GitHub's Git data API: blobs, trees, commits and references, over the bare repository."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .answers import Json
from .repository import Repository
from .rest import Call, Refused, missing, route


@route("GET", r"/git/trees/{sha}")
def _tree(call: Call) -> tuple[int, Any]:
    git, name = call.state.repository, call.parts["sha"]
    if not (git.has(name) or git.has(name, "tree")):
        missing()
    deep = ["-r", "-t"] if "recursive" in call.query else []
    rows = git.git("ls-tree", "-l", "-z", "--full-tree", *deep, name).split(b"\0")[:-1]
    tree = []
    for row in rows:
        head, _, path = row.partition(b"\t")
        mode, kind, sha, size = head.decode().split()
        entry: Json = {"path": path.decode("utf-8", "replace"), "mode": mode, "type": kind, "sha": sha}
        tree.append(entry | ({"size": int(size)} if kind == "blob" else {}))
    return 200, {"sha": name, "tree": tree, "truncated": False}


@route("GET", r"/git/blobs/{sha}")
def _blob(call: Call) -> tuple[int, Any]:
    git, name = call.state.repository, call.parts["sha"]
    if not git.has(name, "blob"):
        missing()
    content = git.git("cat-file", "blob", name)
    return 200, {
        "sha": name,
        "size": len(content),
        "encoding": "base64",
        "content": base64.encodebytes(content).decode(),
    }


@route("POST", r"/git/blobs")
def _make_blob(call: Call) -> tuple[int, Any]:
    call.need("contents")
    content = call.body["content"].encode()
    if call.body.get("encoding") == "base64":
        try:
            content = base64.b64decode(content, validate=False)
        except binascii.Error:
            raise Refused(422, "content is not valid Base64") from None
    name = call.state.repository.git("hash-object", "-w", "--stdin", given=content).decode().strip()
    return 201, {"sha": name, "url": f"{call.api}{call.path}/{name}"}


@route("POST", r"/git/trees")
def _make_tree(call: Call) -> tuple[int, Any]:
    call.need("contents")
    git = call.state.repository
    index = {"GIT_INDEX_FILE": str(git.path / f"index-{next(call.state.numbers)}")}
    git.git(
        "read-tree", *([call.body["base_tree"]] if call.body.get("base_tree") else ["--empty"]), env=index
    )
    for entry in call.body["tree"]:
        name = entry.get("sha", "")
        if "content" in entry:
            given = entry["content"].encode()
            name = git.git("hash-object", "-w", "--stdin", given=given).decode().strip()
        mode = "0" if name is None else entry["mode"]
        row = f"{mode} {name or '0' * 40}\t{entry['path']}\0"
        git.git("update-index", "-z", "--index-info", given=row.encode(), env=index)
    made = git.git("write-tree", env=index).decode().strip()
    return 201, {"sha": made, "tree": [], "truncated": False, "url": f"{call.api}{call.path}/{made}"}


@route("POST", r"/git/commits")
def _make_commit(call: Call) -> tuple[int, Any]:
    call.need("contents")
    git = call.state.repository
    parents = [word for parent in call.body.get("parents", []) for word in ("-p", parent)]
    who = {"NAME": call.token.account.login, "EMAIL": f"{call.token.account.id}@users.noreply.example.org"}
    env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    message = call.body["message"].encode()
    made = git.git("commit-tree", call.body["tree"], *parents, given=message, env=env).decode().strip()
    return 201, _commit_answer(git, made)


@route("GET", r"/git/commits/{sha}")
def _commit(call: Call) -> tuple[int, Any]:
    if not call.state.repository.has(call.parts["sha"]):
        missing()
    return 200, _commit_answer(call.state.repository, call.parts["sha"])


def _commit_answer(git: Repository, commit: str) -> Json:
    tree = git.git("rev-parse", commit + "^{tree}").decode().strip()
    message = git.git("log", "-1", "--format=%B", commit).decode().strip()
    return {
        "sha": commit,
        "message": message,
        "tree": {"sha": tree},
        "parents": [{"sha": each} for each in git.parents(commit)],
    }


def _reference(ref: str, commit: str) -> Json:
    return {"ref": ref, "node_id": ref, "object": {"type": "commit", "sha": commit}}


@route("GET", r"/git/ref/heads/{ref}")
def _ref(call: Call) -> tuple[int, Any]:
    tip = call.state.repository.tip(call.parts["ref"]) or missing()
    return 200, _reference(f"refs/heads/{call.parts['ref']}", tip)


@route("POST", r"/git/refs")
def _make_ref(call: Call) -> tuple[int, Any]:
    call.need("contents")
    git, ref = call.state.repository, call.body["ref"]
    if not ref.startswith("refs/heads/") or git.tip(ref.removeprefix("refs/heads/")):
        raise Refused(422, "Reference already exists")
    if not git.has(call.body["sha"]):
        raise Refused(422, "Object does not exist")
    git.move(ref.removeprefix("refs/heads/"), call.body["sha"])
    return 201, _reference(ref, call.body["sha"])


@route("PATCH", r"/git/refs/heads/{ref}")
def _move_ref(call: Call) -> tuple[int, Any]:
    call.need("contents")
    git, branch, wanted = call.state.repository, call.parts["ref"], call.body["sha"]
    tip = git.tip(branch)
    if not tip:
        raise Refused(422, "Reference does not exist")
    if not git.has(wanted):
        raise Refused(422, "Object does not exist")
    if not call.body.get("force") and git.merge_base(tip, wanted) != tip:
        raise Refused(422, "Update is not a fast forward")
    git.move(branch, wanted)
    for pull in call.state.pulls.values():
        if pull.head_ref == branch and not pull.fork:
            call.state.push(pull.number)
    return 200, _reference(f"refs/heads/{branch}", wanted)
