"""Writing a file so that it is never half written: a new file beside it, made safe, then put in its place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress


class WriteError(Exception):
    """The file could not be written and is as it was. One clear line for the user."""


def replace_file(path: str, expected: bytes, content: bytes) -> None:
    """Put `content` in the place of the regular file at `path` (no symbolic link), if it still holds `expected`.

    Mode and, where this user may, owner stay. Raises WriteError; then the file is untouched and nothing is
    left beside it.
    """
    try:
        with open(path, "rb") as file:
            held = os.fstat(file.fileno())
            if file.read() != expected:
                raise WriteError("changed while it was looked at: run again")
        if not os.access(path, os.W_OK):
            raise WriteError("no permission to write it")
        _swap(path, held, (content,))
    except OSError as error:
        raise WriteError(f"could not be written and is as it was: {error.strerror}") from error


def write_new(path: str, content: bytes | Iterable[bytes]) -> None:
    """Write a file of our own (a report, a baseline) whole or not at all. Raises WriteError.

    What is no regular file (a pipe, /dev/stdout) is written straight.
    """
    pieces = (content,) if isinstance(content, bytes) else content
    try:
        held = os.stat(path) if os.path.exists(path) else None
        if held is not None and not stat.S_ISREG(held.st_mode):
            with open(path, "wb") as file:
                file.writelines(pieces)
        else:
            _swap(os.path.realpath(path), held, pieces)
    except OSError as error:
        raise WriteError(f"{path} could not be written: {error.strerror}") from error


def _swap(path: str, held: os.stat_result | None, pieces: Iterable[bytes]) -> None:
    folder, name = os.path.split(path)
    draft = os.path.join(folder, f".{name[:100]}.{os.getpid()}.repairbot")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with open(handle, "wb") as file:
            file.writelines(pieces)
            file.flush()
            if held is not None:
                _like(file.fileno(), held)
            else:
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    with suppress(OSError):  # some file systems cannot sync a folder; the file itself is safe
        above = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(above)
        finally:
            os.close(above)


def _like(handle: int, held: os.stat_result) -> None:
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) != (held.st_uid, held.st_gid):
        with suppress(PermissionError):
            os.fchown(handle, held.st_uid, held.st_gid)
    os.fchmod(handle, stat.S_IMODE(held.st_mode))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
