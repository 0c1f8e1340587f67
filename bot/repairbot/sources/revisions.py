"""Git revisions, read as objects: nothing is checked out, nothing that the repository holds is run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import field
from types import TracebackType
from typing import Self

from repairbot import git
from repairbot.config import Config
from repairbot.lazily import dataclass
from repairbot.sources import Entry, Found, Unreadable, skipped, too_large
from repairbot.sources.ignore import Matcher, matcher
from repairbot.sources.place import Place, relative

LINK, SUBMODULE = "120000", "160000"


@dataclass(slots=True)
class Objects:
    """One `git cat-file --batch` that hands out blobs by name. A context manager."""

    repository: str
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def want(self, names: Sequence[str]) -> None:
        """These blobs will be asked for soon. Here all that there will be is there."""

    def ask(self, name: str, limit: int) -> bytes:
        """The content of a blob by its name. Raises Unreadable when absent, no blob, or over `limit` bytes."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(os.fsencode(name) + b"\n")
        process.stdin.flush()
        header = process.stdout.readline().split()
        if len(header) < 3 or header[-1] in (b"missing", b"ambiguous"):
            raise Unreadable("is not in the repository's objects (a partial clone may lack it)")
        size = int(header[2])
        content = process.stdout.read(size)
        process.stdout.read(1)
        if header[1] != b"blob":
            raise Unreadable(f"is no file but a {header[1].decode()}")
        if size > limit:
            raise Unreadable(too_large(size, limit))
        return content

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                git.command(self.repository, ["cat-file", "--batch"]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=git.environment(),
                start_new_session=True,
            )
        return self._process


@dataclass(frozen=True, slots=True)
class Blob:
    """One file of a tree: its mode ("100644"), the blob's name, its path from the repository's top."""

    mode: str
    name: str
    path: str


@dataclass(slots=True)
class Revision:
    """The files of one commit below the targets; with `only`, just those paths (from the repository's top)."""

    place: Place
    config: Config
    suffixes: dict[str, str]
    objects: Objects
    commit: str
    only: frozenset[str] | None = None
    root: str = field(init=False)
    _blobs: dict[str, Blob] = field(init=False, default_factory=dict)
    _folders: set[str] = field(init=False, default_factory=set)
    _include: Matcher | None = field(init=False)
    _exclude: Matcher | None = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.place.root
        self._include = matcher(self.config.include)
        self._exclude = matcher(self.config.exclude)
        listed = git.output(self.place.repository, "ls-tree", "-r", "-z", "--full-tree", self.commit)
        for row in listed.split(b"\0")[:-1]:
            head, _, path = row.partition(b"\t")
            mode, _kind, name = head.decode("ascii").split()
            blob = Blob(mode, name, os.fsdecode(path))
            if os.path.splitext(blob.path)[1] in self.suffixes:
                self._blobs[self._shown(blob.path)] = blob

    def entries(self) -> Iterator[Found]:
        """The files below the targets (all of them or `only`), in a language that is spoken here."""
        targets = [relative(target, self.place.repository) for target in self.place.targets]
        for shown, blob in self._blobs.items():
            if not _below(blob.path, targets) or (self.only is not None and blob.path not in self.only):
                continue
            if (self._include and not self._include(shown)) or (self._exclude and self._exclude(shown)):
                continue
            entry = self._entry(shown, blob)
            if blob.mode == LINK:
                yield skipped(shown, entry.language, "a symbolic link")
            elif blob.mode != SUBMODULE:
                yield entry

    def want(self, entries: Sequence[Entry]) -> None:
        """These blobs will be read soon."""
        self.objects.want([entry.location for entry in entries])

    def read(self, entry: Entry) -> bytes:
        """The blob's bytes. Raises Unreadable."""
        return self.objects.ask(entry.location, self.config.max_size)

    def identity(self, entry: Entry) -> str:
        """The blob's name."""
        return entry.location

    def holds(self, path: str) -> bool:
        """Whether there is a source file, or a folder with one, at this path relative to the root."""
        if not self._folders:
            for shown in self._blobs:
                while (shown := os.path.dirname(shown)) and shown not in self._folders:
                    self._folders.add(shown)
        return path in self._blobs or path in self._folders

    def neighbour(self, path: str) -> Entry | None:
        """Another file of the same commit, by its path relative to the root."""
        blob = self._blobs.get(path)
        return self._entry(path, blob) if blob and blob.mode not in (LINK, SUBMODULE) else None

    def blob(self, path: str) -> Blob:
        """The tree's row for a path relative to the root."""
        return self._blobs[path]

    def _entry(self, shown: str, blob: Blob) -> Entry:
        language = self.suffixes[os.path.splitext(blob.path)[1]]
        return Entry(shown, language, blob.name)

    def _shown(self, path: str) -> str:
        if self.root == self.place.repository:
            return path
        return relative(os.path.join(self.place.repository, path), self.root)


def changed(repository: str, base: str, head: str) -> frozenset[str]:
    """The paths that differ between two commits (full names), on both sides, from the repository's top."""
    options = ("--no-ext-diff", "--no-textconv", "--no-renames", "-r", "-z", "--name-only")
    return frozenset(
        os.fsdecode(path)
        for path in git.output(repository, "diff-tree", *options, base, head).split(b"\0")[:-1]
    )


def merge_base(repository: str, base: str, head: str) -> str:
    """Where `head` left `base`: what changed since then is what `head` brought. `base` when they share nothing."""
    done = git.run(repository, "merge-base", base, head)
    return done.stdout.decode("ascii", "replace").strip().split("\n")[0] or base


def uncommitted(repository: str, paths: Sequence[str]) -> frozenset[str]:
    """Those of `paths` (absolute) that differ from the last commit, or that no commit holds. Raises SourceError."""
    found: set[str] = set()
    for start in range(0, len(paths), 500):
        chosen = [f":(top,literal){relative(path, repository)}" for path in paths[start : start + 500]]
        rows = git.output(
            repository,
            "status",
            "--porcelain=v1",
            "-z",
            "--no-renames",
            "--untracked-files=all",
            "--",
            *chosen,
        )
        found.update(os.path.join(repository, os.fsdecode(row[3:])) for row in rows.split(b"\0")[:-1])
    return frozenset(found)


def _below(path: str, targets: Sequence[str]) -> bool:
    return any(target == "." or path == target or path.startswith(target + "/") for target in targets)
