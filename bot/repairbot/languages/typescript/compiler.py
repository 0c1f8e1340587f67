"""TypeScript's word on repaired files, where the project has it: no error that was not there before.

Asked by `repairbot fix` alone, of the working tree of whoever calls it: the compiler is the project's own, out of its
`node_modules`, and runs in a child of its own. It reads the project and is handed the changed files; nothing of the
project is run, no script, no plugin, and nothing is written.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PATIENCE: Final = 120.0
"""Seconds for all files of one tsconfig, read twice."""
MEMORY: Final = 2048
"""MB that the compiler may have."""
_SCRIPT: Final = Path(__file__).with_name("compiler.cjs")
_SUFFIXES: Final = (".ts", ".tsx", ".mts", ".cts")


def new_errors(top: Path, files: Mapping[Path, tuple[str, str]]) -> dict[Path, tuple[str, ...] | str]:
    """For each TypeScript file, given before and after: its new errors, or in one line why TypeScript was not asked."""
    found: dict[Path, tuple[str, ...] | str] = {}
    projects: dict[tuple[Path, Path], list[Path]] = {}
    for file in files:
        if file.suffix not in _SUFFIXES:
            continue
        config = _above(file.parent, top, "tsconfig.json")
        compiler = _above(file.parent, top, "node_modules/typescript/lib/typescript.js")
        if config is None or compiler is None:
            found[file] = "no tsconfig.json" if config is None else "no typescript in node_modules"
        else:
            projects.setdefault((config, compiler), []).append(file)
    for (config, compiler), members in projects.items():
        answer = _ask(config, compiler, {file: files[file] for file in members})
        for file in members:
            found[file] = answer if isinstance(answer, str) else tuple(answer[str(file)])
    return found


def _above(folder: Path, top: Path, name: str) -> Path | None:
    """The nearest file of a name in a folder or those above it, up to the project's top."""
    while True:
        if (folder / name).is_file():
            return folder / name
        if folder == top or folder == folder.parent:
            return None
        folder = folder.parent


def _ask(config: Path, compiler: Path, files: Mapping[Path, tuple[str, str]]) -> dict[str, list[str]] | str:
    given = {
        "typescript": str(compiler),
        "config": str(config),
        "files": {str(file): sides for file, sides in files.items()},
    }
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    try:
        done = subprocess.run(
            ["node", f"--max-old-space-size={MEMORY}", str(_SCRIPT)],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            cwd=config.parent,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"TypeScript took longer than {PATIENCE:.0f} seconds"
    except OSError as error:
        return f"node does not start: {error.strerror}"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"TypeScript failed: {last[:100]}"
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer
