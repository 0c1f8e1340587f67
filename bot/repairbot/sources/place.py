"""Where the user points: the project that is meant, its root, and the paths in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from repairbot import config, git
from repairbot.lazily import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """What a command line names.

    `top`: the project's folder, which nothing may leave. `root`: the folder that paths are shown relative to
    (the working directory where it holds all of them, else `top`). `targets`: absolute paths of files and
    folders. `problems`: paths that were not taken, one line each. `repository`: the git repository or "".
    """

    top: str
    root: str
    targets: tuple[str, ...]
    problems: tuple[str, ...] = ()
    configuration: Path | None = None
    repository: str = ""


def locate(paths: Sequence[str], configuration: Path | None = None) -> Place:
    """Find the project that `paths` (or, without any, the working directory) belong to.

    A relative path stays in the project of the working directory; absolute ones may name another project, and
    then all have to lie in that one. Raises config.ConfigError where a configuration cannot be read.
    """
    here = os.getcwd()
    home = _project(here, configuration)
    targets: list[str] = []
    problems: list[str] = []
    for path in paths or [here]:
        target = _absolute(path, here)
        if not os.path.lexists(target):
            problems.append(f"{path}: no such file or folder")
        elif not os.path.isabs(path) and not inside(target, home[0]):
            problems.append(f"{path}: leaves the project {home[0]} (give an absolute path to look elsewhere)")
        else:
            targets.append(target)
    elsewhere = [target for target in targets if not inside(target, home[0])]
    if elsewhere:
        folders = [target if os.path.isdir(target) else os.path.dirname(target) for target in elsewhere]
        home = _project(os.path.commonpath(folders), configuration)
    top, found, repository = home
    problems += [f"{target}: leaves the project {top}" for target in targets if not inside(target, top)]
    targets = [target for target in targets if inside(target, top)]
    root = here if all(inside(target, here) for target in targets) and inside(here, top) else top
    return Place(top, root, tuple(dict.fromkeys(targets)), tuple(problems), found, repository)


def inside(path: str, folder: str) -> bool:
    """Whether an absolute path is `folder` or lies in it; both without `..` and symbolic links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def relative(path: str, root: str) -> str:
    """An absolute path as reports show it: relative to `root`, with `/`."""
    return os.path.relpath(path, root).replace(os.sep, "/")


def _absolute(path: str, here: str) -> str:
    """The path with every symbolic link on the way resolved, except one at its very end."""
    whole = os.path.normpath(os.path.join(here, path))
    folder, name = os.path.split(whole)
    return os.path.join(os.path.realpath(folder), name) if name else os.path.realpath(whole)


def _project(folder: str, configuration: Path | None) -> tuple[str, Path | None, str]:
    """The project's top folder, its configuration, and the git repository it lies in."""
    repository = git.top_level(folder)
    found = configuration or config.find(Path(folder), Path(repository or os.sep))
    if repository:
        return repository, found, repository
    return (str(found.parent) if found and not configuration else folder), found, ""
