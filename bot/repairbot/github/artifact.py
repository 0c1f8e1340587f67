"""What a run without rights leaves for the one that may post: how each file ended, in no words of its own.

Whoever opens a pull request from a fork can change the workflow that analyses it, so what it leaves may hold
anything. It is read in memory, within limits, as names and numbers. Whoever posts looks the pull request up
afresh and examines the leaking files again (`Confirming`): nothing of the artifact is ever shown.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from repairbot.github.client import MOST_FILES
from repairbot.github.errors import GitHubError
from repairbot.github.model import ChangedFile, Look, PullRequest
from repairbot.model import Outcome

NAME: Final = "repairbot-review"
"""The artifact's name; action.yml uploads it."""
MEMBER: Final = "repairbot-review.json"
"""The only file in it."""
VERSION: Final = 1
MAX_ARCHIVE: Final = 2 * 1024 * 1024
MAX_DOCUMENT: Final = 8 * 1024 * 1024
MAX_PATH: Final = 4_096
"""Characters of a path. Source: PATH_MAX of Linux."""

_KINDS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_KEYS: Final = {"version", "repository", "number", "head", "files"}
_HEAD: Final = re.compile(r"[0-9a-f]{40}\Z")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9-]{1,100}/[A-Za-z0-9_.-]{1,100}\Z")


class ArtifactError(GitHubError):
    """The artifact is not to be used; the message says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Left:
    """What was left: how each file of the pull request's `head` ended, by its path."""

    repository: str
    number: int
    head: str
    files: Mapping[str, Outcome]


def leave(look: Look) -> bytes:
    """The artifact's document for what was looked at."""
    listed = {file.path for file in look.files}
    document = {
        "version": VERSION,
        "repository": look.pull.repo,
        "number": look.pull.number,
        "head": look.pull.head,
        "files": {file.path: file.outcome.value for file in look.audit.files if file.path in listed},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def read(archive: bytes) -> Left:
    """What an artifact's archive (ZIP) holds. Nothing is unpacked to a disk. Raises ArtifactError."""
    if len(archive) > MAX_ARCHIVE:
        raise ArtifactError(f"it is larger than {MAX_ARCHIVE:,} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as held:
            members = held.infolist()
            if len(members) != 1 or members[0].filename != MEMBER or members[0].is_dir():
                raise ArtifactError(f"it does not hold {MEMBER} alone")
            if members[0].flag_bits & 1 or members[0].compress_type not in _KINDS:
                raise ArtifactError("it is encrypted, or packed in no ordinary way")
            with held.open(members[0]) as stream:
                # What the archive says of the size is its own word: read no further than the limit.
                document = stream.read(MAX_DOCUMENT + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise ArtifactError(f"it cannot be unpacked ({type(error).__name__})") from None
    if len(document) > MAX_DOCUMENT:
        raise ArtifactError(f"what it holds is larger than {MAX_DOCUMENT:,} bytes")
    return parse(document)


def parse(document: bytes) -> Left:
    """The document, held against its schema. Raises ArtifactError."""
    try:
        raw = json.loads(document)
    except (ValueError, RecursionError):
        raise ArtifactError("what it holds is not JSON") from None
    if not isinstance(raw, dict) or raw.keys() != _KEYS:
        raise ArtifactError(f"it must hold these keys and no others: {', '.join(sorted(_KEYS))}")
    if raw["version"] != VERSION or isinstance(raw["version"], bool):
        raise ArtifactError(f"its version is not {VERSION}, the one known here: update the older workflow")
    return Left(
        _text(raw["repository"], _REPOSITORY, "repository"),
        _number(raw["number"]),
        _text(raw["head"], _HEAD, "head"),
        _files(raw["files"]),
    )


def hold(left: Left, pull: PullRequest, changed: Mapping[str, ChangedFile]) -> None:
    """Hold what was left against the pull request as GitHub knows it now. Raises ArtifactError."""
    if left.repository != pull.repo or left.number != pull.number:
        raise ArtifactError("it speaks of another pull request")
    if left.head != pull.head:
        raise ArtifactError(
            "it speaks of another head than the pull request has now: the newer one's run posts"
        )
    strange = sum(path not in changed or changed[path].status == "removed" for path in left.files)
    if strange:
        raise ArtifactError(f"{strange:,} of its files are none that the pull request changes")


def _text(value: object, form: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not form.match(value):
        raise ArtifactError(f"its {what} has not the form of one")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 53:
        raise ArtifactError("its number is none of a pull request")
    return value


def _files(value: object) -> dict[str, Outcome]:
    if not isinstance(value, dict) or len(value) > MOST_FILES:
        raise ArtifactError(f"its files must be an object with at most {MOST_FILES:,} entries")
    outcomes = {outcome.value: outcome for outcome in Outcome}
    if not all(_inside(path) and isinstance(each, str) and each in outcomes for path, each in value.items()):
        raise ArtifactError("its files must be paths inside the repository, each with an outcome")
    return {path: outcomes[each] for path, each in value.items()}


def _inside(path: str) -> bool:
    parts = path.split("/")
    return (
        0 < len(path) <= MAX_PATH
        and "\\" not in path
        and not {"", ".", ".."}.intersection(parts)
        and parts[0][1:2] != ":"
    )
