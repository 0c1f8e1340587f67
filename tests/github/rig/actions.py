"""What workflow runs leave, and the list of pull requests by which a run's own is found."""

from __future__ import annotations

from typing import Any

from . import answers
from .rest import Call, missing, route

STORAGE = "/storage/"


@route("GET", r"/pulls")
def _pulls(call: Call) -> tuple[int, Any]:
    state = call.query.get("state", ["open"])[0]
    owner, _, ref = call.query.get("head", [""])[0].partition(":")
    found = [
        each
        for each in call.state.pulls.values()
        if state in ("all", each.state)
        and (
            not ref
            or (ref == each.head_ref and owner == (each.fork or call.state.full_name).partition("/")[0])
        )
    ]
    return 200, call.page([answers.pull(call.state, each, call.api, call.web) for each in found])


@route("GET", r"/actions/runs/{run}/artifacts")
def _artifacts(call: Call) -> tuple[int, Any]:
    call.need("actions", level="read")
    name = call.query.get("name", [""])[0]
    found = [
        each
        for each in call.state.artifacts
        if each.run == int(call.parts["run"]) and name in ("", each.name)
    ]
    rows = [
        {"id": each.id, "name": each.name, "size_in_bytes": len(each.content), "expired": each.expired}
        for each in found
    ]
    return 200, call.page(rows, "artifacts")


@route("GET", r"/actions/artifacts/{id}/zip")
def _archive(call: Call) -> tuple[int, Any]:
    call.need("actions", level="read")
    held = (
        next((each for each in call.state.artifacts if each.id == int(call.parts["id"])), None) or missing()
    )
    call.headers["Location"] = f"{call.web}{STORAGE}{held.id}"
    return 302, {}
