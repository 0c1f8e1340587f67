"""Shows how a Python file is lowered: `python -m repairbot.languages.python.dump FILE...`."""

from __future__ import annotations

import sys
from pathlib import Path

from repairbot.languages.base import Project, Unreadable
from repairbot.languages.python.frontend import FRONTEND
from repairbot.lifetimes.resources import load
from repairbot.lifetimes.text import write


def main(arguments: list[str]) -> int:
    """Print the model of each file; the exit code tells whether all could be read."""
    failed = 0
    for name in arguments:
        try:
            unit = FRONTEND.lower(Path(name).read_bytes(), name, load("python"), Project())
        except (OSError, Unreadable) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
            continue
        print(write(unit), end="")
        for step in unit.skipped:
            print(f"# line {step.line}: {step.note}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
