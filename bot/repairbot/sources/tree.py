"""The working tree: git's own list of files in a repository, a walk that honours .gitignore elsewhere."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import field

from repairbot import git
from repairbot.config import Config
from repairbot.lazily import dataclass
from repairbot.sources import Entry, Found, SourceError, Unreadable, failed, skipped, too_large
from repairbot.sources.ignore import Matcher, ignore_file, matcher
from repairbot.sources.place import Place, inside, relative

NEVER = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        ".tox",
        ".nox",
        ".eggs",
        "__pycache__",
        "node_modules",
        ".mypy_cache",
        ".ruff_cache",
    }
)
"""Folders that hold no source of the project, wherever they stand."""
ENVIRONMENT = "pyvenv.cfg"
"""A folder with this file in it is a virtual environment: other people's code."""
CHUNK = 1 << 20
SETTLED = 2.0
"""Seconds after which a file's times are trusted to change with its content (git calls this racy)."""


@dataclass(slots=True)
class Tree:
    """The files that `place` names, as they stand on the disk."""

    place: Place
    config: Config
    suffixes: dict[str, str]
    """The language's name by suffix."""
    root: str = field(init=False)
    _include: Matcher | None = field(init=False)
    _exclude: Matcher | None = field(init=False)
    _seen: set[str] = field(default_factory=set)
    _now: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.root = self.place.root
        self._include = matcher(self.config.include)
        self._exclude = matcher(self.config.exclude)

    def entries(self) -> Iterator[Found]:
        """All files below the targets in a language that is spoken here; a file that is named is always listed."""
        for target in self.place.targets:
            where = os.path.realpath(target)
            if not inside(where, self.place.top):
                yield skipped(relative(target, self.root), "", "a symbolic link that leaves the project")
            elif os.path.isdir(where):
                yield from self._folder(where)
            else:
                yield from self._file(target, named=True)

    def want(self, entries: Sequence[Entry]) -> None:
        """These files will be read soon. They are at hand."""

    def read(self, entry: Entry) -> bytes:
        """The file's bytes. Raises Unreadable."""
        try:
            handle = os.open(self.where(entry), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            try:
                source = os.read(handle, entry.size + 1)
                while len(source) <= self.config.max_size and (more := os.read(handle, CHUNK)):
                    source += more
            finally:
                os.close(handle)
        except OSError as error:
            raise Unreadable(_words(error)) from error
        if len(source) > self.config.max_size:
            raise Unreadable("grew over the size limit while it was read")
        return source

    def where(self, entry: Entry) -> str:
        """The file's absolute path, any symbolic link at its end followed."""
        return entry.location or os.path.join(self.root, entry.path)

    def identity(self, entry: Entry) -> str:
        """Device, inode, size and times, while these are sure to change with the content."""
        try:
            found = os.stat(self.where(entry))
        except OSError:
            return ""
        if max(found.st_mtime, found.st_ctime) > self._now - SETTLED:
            return ""
        return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"

    def holds(self, path: str) -> bool:
        """Whether there is a file or folder at this path relative to the root."""
        return os.path.lexists(os.path.join(self.root, path))

    def neighbour(self, path: str) -> Entry | None:
        """A source file of the same project, by its path relative to the root."""
        where = os.path.join(self.root, path)
        try:
            found = os.lstat(where)
        except (OSError, ValueError):
            return None
        language = self.suffixes.get(os.path.splitext(path)[1])
        if language is None or not stat.S_ISREG(found.st_mode) or found.st_size > self.config.max_size:
            return None
        if not inside(os.path.realpath(where), self.place.top):
            return None
        return Entry(path, language, size=found.st_size)

    def _folder(self, folder: str) -> Iterator[Found]:
        listed = self._listed(folder) if self.place.repository else None
        if listed is None:
            yield from self._walk(folder, [])
            return
        rows, complaints = listed
        for complaint in complaints:
            yield failed(relative(folder, self.root), "", complaint)
        prisons = _prisons(rows)
        before = ""
        for row in re.finditer(rb"[^\0]+", rows):
            name = os.fsdecode(row[0])
            if name == before:  # while a merge is under way a name is listed once a side
                continue
            before = name
            if name.endswith("/"):
                if not NEVER.intersection(name.split("/")):
                    where = os.path.join(folder, name.rstrip("/"))
                    yield skipped(
                        relative(where, self.root) + "/", "", "another git repository: look at it by itself"
                    )
            elif os.path.splitext(name)[1] in self.suffixes:
                if not NEVER.isdisjoint(name.split("/")) or (prisons and name.startswith(prisons)):
                    continue
                yield from self._file(os.path.join(folder, name))

    def _listed(self, folder: str) -> tuple[bytes, list[str]] | None:
        """Git's list of tracked and untracked files (each ends in NUL), and what it could not open; None to walk."""
        try:
            done = git.run(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
            if done.returncode:
                return None
            if not done.stdout and git.run(folder, "check-ignore", "--quiet", ".").returncode == 0:
                return None  # the user names a folder that git ignores: look at it all the same
        except SourceError:
            return None
        complaints = done.stderr.decode("utf-8", "replace").splitlines()
        return done.stdout, [
            line.removeprefix("warning: ") for line in complaints if "could not open" in line
        ]

    def _walk(self, folder: str, ignores: list[tuple[str, Matcher]]) -> Iterator[Found]:
        shown = relative(folder, self.root)
        try:
            with os.scandir(folder) as found:
                items = sorted(found, key=lambda item: item.name)
        except OSError as error:
            yield failed(shown, "", f"cannot be listed: {_words(error)}")
            return
        names = {item.name for item in items}
        if ENVIRONMENT in names:
            return
        if ".gitignore" in names and (own := ignore_file(folder)):
            ignores = [*ignores, (folder, own)]
        for item in items:
            is_folder = item.is_dir(follow_symlinks=False)
            if item.name in NEVER or (ignores and _ignored(item.path, is_folder, ignores)):
                continue
            if is_folder:
                yield from self._walk(item.path, ignores)
            elif os.path.splitext(item.name)[1] in self.suffixes:
                yield from self._file(item.path)
            elif item.is_symlink() and (not os.path.exists(item.path) or item.is_dir()):
                yield skipped(relative(item.path, self.root), "", _link(item.path, self.place.top))

    def _file(self, path: str, *, named: bool = False) -> Iterator[Found]:
        """One file, or why not. `named`: by the user, so that no pattern takes it away."""
        shown = relative(path, self.root) if named else path[len(self.root) + 1 :].replace(os.sep, "/")
        if len(self.place.targets) > 1:  # they can overlap
            if shown in self._seen:
                return
            self._seen.add(shown)
        if not named and not self._wanted(shown):
            return
        language = self.suffixes.get(os.path.splitext(path)[1], "")
        try:
            found = os.lstat(path)
            where = path
            if stat.S_ISLNK(found.st_mode):
                where = os.path.realpath(path)
                if os.path.isdir(where) or not os.path.exists(where) or not inside(where, self.place.top):
                    yield skipped(shown, language, _link(path, self.place.top))
                    return
                found = os.stat(where)
        except OSError as error:
            # Git lists what was deleted and not committed: nobody asked for that by name.
            if named or not isinstance(error, FileNotFoundError):
                yield failed(shown, language, _words(error))
            return
        if not language:
            yield skipped(
                shown, "", f"no language here reads {os.path.splitext(path)[1] or 'files without a suffix'}"
            )
        elif not stat.S_ISREG(found.st_mode):
            yield skipped(shown, language, "not a regular file")
        elif found.st_size > self.config.max_size:
            yield skipped(shown, language, too_large(found.st_size, self.config.max_size))
        else:
            yield Entry(shown, language, where if where is not path else "", found.st_size)

    def _wanted(self, shown: str) -> bool:
        if self._include is not None and not self._include(shown):
            return False
        return self._exclude is None or not self._exclude(shown)


def _prisons(rows: bytes) -> tuple[str, ...]:
    """The folders of virtual environments in a list of git's, each with its slash."""
    end = os.fsencode("/" + ENVIRONMENT)
    if end + b"\0" not in rows:
        return ()
    return tuple(os.fsdecode(row.removesuffix(end)) + "/" for row in rows.split(b"\0") if row.endswith(end))


def _ignored(path: str, is_folder: bool, ignores: list[tuple[str, Matcher]]) -> bool:
    """Whether a path is ignored: the nearest .gitignore that speaks of it decides."""
    for folder, match in reversed(ignores):
        said = match(path[len(folder) + 1 :].replace(os.sep, "/") + ("/" if is_folder else ""))
        if said is not None:
            return said
    return False


def _link(path: str, top: str) -> str:
    """Why a symbolic link is not followed."""
    where = os.path.realpath(path)
    if not inside(where, top):
        return "a symbolic link that leaves the project"
    if os.path.isdir(where):
        return "a symbolic link to a folder: not followed"
    return "a symbolic link that leads nowhere, or in a circle"


def _words(error: OSError) -> str:
    return {"Permission denied": "no permission to read it"}.get(
        error.strerror or "", error.strerror or str(error)
    )
