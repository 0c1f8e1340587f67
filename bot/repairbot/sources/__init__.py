"""Where source text comes from: the working tree, or git revisions read as objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from repairbot.lazily import dataclass
from repairbot.model import FileResult, Outcome

MAX_SIZE = 5_000_000
"""Bytes of the largest file that is read, unless the settings say otherwise."""


class SourceError(Exception):
    """A whole source cannot be read (no such revision, no repository). One clear line for the user."""


class Unreadable(Exception):
    """One file cannot be read. One clear line for the user."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to look at. `path`: relative to the source's root, with `/`, as the reports show it.

    `location`: where to read it (an absolute path or a blob's name), "" where the path tells. There is one of these
    for every file of a tree: what can be asked of the source again is not kept.
    """

    path: str
    language: str
    location: str = ""
    size: int = 0


Found = Entry | FileResult
"""What a source lists: a file to look at, or one that was passed over and why."""


class Source(Protocol):
    """What the pipeline asks of a source."""

    root: str

    def entries(self) -> Iterator[Found]:
        """Everything that was asked for, in no particular order."""
        ...

    def want(self, entries: Sequence[Entry]) -> None:
        """These will be read soon: a source that reads from afar brings them all at once."""
        ...

    def read(self, entry: Entry) -> bytes:
        """The file's bytes. Raises Unreadable."""
        ...

    def identity(self, entry: Entry) -> str:
        """A name for the file's content without reading it (a blob's; device, inode, size and times); "" for none."""
        ...

    def holds(self, path: str) -> bool:
        """Whether there is a file or folder at this path relative to the root."""
        ...

    def neighbour(self, path: str) -> Entry | None:
        """A file beside those that were asked for, by its path relative to the root; None when absent."""
        ...


def skipped(path: str, language: str, reason: str) -> FileResult:
    """The result of a file that was passed over."""
    return FileResult(path, language, Outcome.SKIPPED, reason)


def failed(path: str, language: str, reason: str) -> FileResult:
    """The result of a file that could not be looked at."""
    return FileResult(path, language, Outcome.FAILED, reason)


def binary(source: bytes) -> bool:
    """Whether this is no text: a NUL byte near its start, as git has it."""
    return b"\0" in source[:8000]


def too_large(size: int, limit: int) -> str:
    """The words for a file that is over the limit (both in bytes)."""
    return f"{size:,} bytes are over the limit of {limit:,} (paths.max-size)"
