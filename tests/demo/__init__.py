"""A small service with leaks in it, written for the demo and for the end-to-end tests."""

from __future__ import annotations

import shutil
from pathlib import Path

LEAKY = Path(__file__).parent / "leaky"
"""The service: the package `waymark` and its own tests."""


def copy_service(into: Path) -> Path:
    """Copy the service to a new folder inside `into`, so that repairs can be written; returns the copy."""
    return Path(shutil.copytree(LEAKY, into / "leaky", ignore=shutil.ignore_patterns("__pycache__", ".*")))
