"""Rules that other distributions bring, found by their entry points without importing a line of them.

`importlib.metadata` takes longer to import than a small audit takes to run, so the installed distributions'
entry points are looked through as text first; nearly always none of them speaks of repairbot.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "repairbot.rules"


@cache
def rule_points() -> tuple[EntryPoint, ...]:
    """The entry points of the group `repairbot.rules`, by name."""
    if not _mentioned():
        return ()
    from importlib.metadata import entry_points

    return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name))


def versions() -> list[str]:
    """What the results of foreign rules depend on: name, place, version, and the file's size and time of change."""
    found = []
    for point in rule_points():
        found += [point.name, point.value, point.dist.version if point.dist else "", _stamp(point.module)]
    return found


def _mentioned() -> bool:
    mark = f"[{GROUP}]".encode()
    for place in sys.path:
        try:
            names = [name for name in os.listdir(place or ".") if name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for name in names:
            try:
                with open(os.path.join(place, name, "entry_points.txt"), "rb") as file:
                    if mark in file.read().replace(b" ", b""):
                        return True
            except OSError:
                continue
    return False


def _stamp(module: str) -> str:
    path = module.replace(".", os.sep)
    for place in sys.path:
        for file in (os.path.join(place, path + ".py"), os.path.join(place, path, "__init__.py")):
            try:
                held = os.stat(file)
            except OSError:
                continue
            return f"{held.st_size}:{held.st_mtime_ns}"
    return ""
