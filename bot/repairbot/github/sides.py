"""The two sides of a pull request as sources: out of git objects, or where those cannot be had by the contents API.

Only changed files are listed; the others are there for names that changed files import. The configuration and the
baseline come from the tip of the base branch, never from the head.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from repairbot import baseline, git, languages
from repairbot.config import OWN_FILE, PYPROJECT, Config
from repairbot.github.client import Client, Held, Opened
from repairbot.github.model import ChangedFile, PullRequest
from repairbot.github.objects import Fetched, fetched
from repairbot.github.transport import Site
from repairbot.sources import Entry, Found, Source, SourceError, Unreadable, too_large
from repairbot.sources.ignore import matcher
from repairbot.sources.place import Place
from repairbot.sources.revisions import LINK, SUBMODULE, Revision

SETTINGS: Final = (OWN_FILE, PYPROJECT, baseline.NAME)


class Sides(Protocol):
    """Where a review reads from."""

    @property
    def problem(self) -> str:
        """What is worse than it should be, "" when nothing is."""
        ...

    @property
    def requests(self) -> int:
        """How many requests git sent for it."""
        ...

    def setting(self, path: str) -> bytes | None:
        """A file at the tip of the base branch; None where there is none. Raises SourceError, GitHubError."""
        ...

    def head(self, config: Config) -> Source:
        """The changed files as they are in the head."""
        ...

    def base(self, config: Config) -> Source:
        """The changed files as they were where the head left the base."""
        ...


@contextmanager
def sides(
    client: Client, site: Site, token: str, opened: Opened, files: Sequence[ChangedFile]
) -> Iterator[Sides]:
    """Both sides of a pull request, until the block is left. Raises GitHubError."""
    with ExitStack() as stack:
        pull = opened.pull
        commits = (pull.head, pull.base, opened.tip)
        found: Sides
        try:
            objects = stack.enter_context(fetched(site, token, pull.repo, commits))
            found = of_objects = _OfObjects(opened, objects, files)
            of_objects.bring()
        except SourceError as error:
            found = _OfContents(client, opened, files, f"{error}; read file by file, imports not followed")
        yield found


@contextmanager
def whole(site: Site, token: str, repo: str, tip: str) -> Iterator[Sides]:
    """All files of one commit as a head without a base, until the block is left. Raises SourceError, GitHubError."""
    with fetched(site, token, repo, (tip,)) as objects:
        found = _Whole(Opened(PullRequest(repo, 0, tip, tip, repo, ""), tip), objects)
        found.bring()
        yield found


@dataclass(slots=True)
class _OfObjects:
    opened: Opened
    objects: Fetched
    files: Sequence[ChangedFile] = ()
    problem: str = ""
    _only: frozenset[str] = frozenset()
    _settings: dict[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return self.objects.requests

    def bring(self) -> None:
        """Fetch at once what will be read: both sides of the changed files, and the settings."""
        known, names, only = languages.suffixes(), [], set()
        options = ("--raw", "--no-abbrev", "--no-renames", "-r", "-z")
        pull = self.opened.pull
        listed = {path for file in self.files for path in (file.path, file.previous_path)}
        all_listed = len(self.files) >= self.opened.changed_files
        rows = iter(git.output(self._root, "diff-tree", *options, pull.base, pull.head).split(b"\0")[:-1])
        for row in rows:
            path = os.fsdecode(next(rows))
            if not all_listed and path not in listed:  # beyond 3,000; the review says how many they are
                continue
            only.add(path)
            modes_and_names = row.decode("ascii").lstrip(":").split()
            for mode, name in zip(modes_and_names[:2], modes_and_names[2:4], strict=True):
                if mode not in ("000000", LINK, SUBMODULE) and os.path.splitext(path)[1] in known:
                    names.append(name)
        self._only = frozenset(only)
        self._settings = self._blobs(SETTINGS)
        self.objects.want([*names, *self._settings.values()])

    def setting(self, path: str) -> bytes | None:
        """A file at the tip of the base branch."""
        if path not in SETTINGS:
            self._settings |= self._blobs((path,))
        if path not in self._settings:
            return None
        try:
            return self.objects.ask(self._settings[path], 1 << 20)
        except Unreadable as error:
            raise SourceError(f"{path}: {error}") from None

    def head(self, config: Config) -> Source:
        """The changed files as they are in the head."""
        return self._revision(config, self.opened.pull.head, self._only)

    def base(self, config: Config) -> Source:
        """The changed files as they were where the head left the base."""
        return self._revision(config, self.opened.pull.base, self._only)

    @property
    def _root(self) -> str:
        return self.objects.repository

    def _revision(self, config: Config, commit: str, only: frozenset[str] | None) -> Revision:
        place = Place(self._root, self._root, (self._root,), repository=self._root)
        return Revision(place, config, languages.suffixes(), self.objects, commit, only)

    def _blobs(self, paths: Sequence[str]) -> dict[str, str]:
        """The names of these files' blobs at the tip; symbolic links are none."""
        listed = git.output(self._root, "ls-tree", "-z", "--full-tree", self.opened.tip, "--", *paths)
        found = {}
        for row in listed.split(b"\0")[:-1]:
            head, _, path = row.partition(b"\t")
            mode, _kind, name = head.decode("ascii").split()
            if mode not in (LINK, SUBMODULE):
                found[os.fsdecode(path)] = name
        return found


@dataclass(slots=True)
class _Whole(_OfObjects):
    def bring(self) -> None:
        """The files come when they are wanted."""
        self._settings = self._blobs(SETTINGS)

    def head(self, config: Config) -> Source:
        """All files."""
        return self._revision(config, self.opened.tip, None)

    def base(self, config: Config) -> Source:
        """No files."""
        return self._revision(config, self.opened.tip, frozenset())


@dataclass(slots=True)
class _OfContents:
    client: Client
    opened: Opened
    files: Sequence[ChangedFile]
    problem: str
    requests: int = 0

    def setting(self, path: str) -> bytes | None:
        """A file at the tip of the base branch."""
        held = self.client.content(self.opened.pull.repo, self.opened.tip, path)
        return held.content if held else None

    def head(self, config: Config) -> Source:
        """The changed files as they are in the head."""
        paths = [file.path for file in self.files if file.status != "removed"]
        return _Contents(self.client, self.opened.pull.repo, self.opened.pull.head, config, paths)

    def base(self, config: Config) -> Source:
        """The changed files as they were where the head left the base."""
        paths = [file.previous_path or file.path for file in self.files if file.status != "added"]
        return _Contents(self.client, self.opened.pull.repo, self.opened.pull.base, config, paths)


@dataclass(slots=True)
class _Contents:
    """Files of a commit, each read by a request of its own."""

    client: Client
    repo: str
    commit: str
    config: Config
    paths: Sequence[str]
    root: str = ""
    _held: dict[str, Held | None] = field(default_factory=dict)

    def entries(self) -> Iterator[Found]:
        """The changed files in a language that is spoken here."""
        known = languages.suffixes()
        include, exclude = matcher(self.config.include), matcher(self.config.exclude)
        for path in self.paths:
            language = known.get(os.path.splitext(path)[1])
            if language is None or (include and not include(path)) or (exclude and exclude(path)):
                continue
            yield Entry(path, language, path)

    def want(self, entries: Sequence[Entry]) -> None:
        """These files will be read soon."""

    def read(self, entry: Entry) -> bytes:
        """The file's bytes. Raises Unreadable, GitHubError."""
        if entry.path not in self._held:
            self._held[entry.path] = self.client.content(self.repo, self.commit, entry.path)
        held = self._held[entry.path]
        if held is None:
            raise Unreadable("GitHub gives no content for it")
        if len(held.content) > self.config.max_size:
            raise Unreadable(too_large(len(held.content), self.config.max_size))
        return held.content

    def identity(self, entry: Entry) -> str:
        """None: nothing is known of a file before it is read."""
        return ""

    def holds(self, path: str) -> bool:
        """Whether it is one of the changed files, or a folder with one."""
        return any(each == path or each.startswith(path + "/") for each in self.paths)

    def neighbour(self, path: str) -> Entry | None:
        """None: to follow imports would cost a request for each guess."""
        return None
