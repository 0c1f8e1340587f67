"""Results by content: a small database in the user's cache folder.

A row's key holds everything a result depends on: the bytes, the path, the settings, the code of repairbot and
its rules, what other files answered. Nothing in here is worth an error: a broken cache is thrown away with one
line, a locked one is done without.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from types import TracebackType
from typing import TypeVar

K = TypeVar("K", str, bytes)

LIMIT = 256 << 20
"""Bytes the database may take; beyond, the rows that were not used for longest go."""
BATCH = 500
MANY = 2000
"""Rows that wait before they are written."""
WAIT = 2.0
"""Seconds to wait for another run that is writing."""
SCHEMA = """
create table if not exists contents(identity text primary key, digest blob not null) without rowid;
create table if not exists results(key blob primary key, answer blob not null, used integer not null);
create index if not exists by_use on results(used);
"""
NAME = "results-1.sqlite"


def digest(*parts: bytes) -> bytes:
    """A short name for these bytes; where one part ends and the next begins counts."""
    whole = blake2b(digest_size=16)
    for part in parts:
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.digest()


class Cache:
    """Use as a context manager; what was put in is written at the end and now and then."""

    def __init__(self, folder: str | None, warn: Callable[[str], None]) -> None:
        """`folder` None: keep nothing. `warn` takes the one line when a broken cache is thrown away."""
        self._warn = warn
        self._contents: list[tuple[str, bytes]] = []
        self._results: list[tuple[bytes, bytes, int]] = []
        self._used: list[bytes] = []
        self._pending = 0
        self._file = os.path.join(folder, NAME) if folder else ""
        self._database = self._open() if folder else None
        self._new = self._database is not None and not self._holds_answers(self._database)

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        if kind is None:
            self._touch()
            self._flush()
            self._evict()
        if self._database is not None:
            self._database.close()
            self._database = None

    @property
    def keeps(self) -> bool:
        """Whether anything that is put in is kept."""
        return self._database is not None

    @property
    def recalls(self) -> bool:
        """Whether earlier runs left anything."""
        return self._database is not None and not self._new

    def digests(self, identities: Sequence[str]) -> dict[str, bytes]:
        """The content digests that are known for these identities of files."""
        return self._select("select identity, digest from contents where identity in", identities)

    def answers(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The answers that are kept under these keys, by earlier runs."""
        if self._new:
            return {}  # a first run would ask for every file in vain
        found = self._select("select key, answer from results where key in", keys)
        self._used += found
        if len(self._used) >= MANY:
            self._touch()
        return found

    def remember(self, identity: str, content: bytes) -> None:
        """This file's content has this digest."""
        if identity and self._database is not None:
            self._contents.append((identity, content))

    def keep(self, key: bytes, answer: bytes) -> None:
        """Keep an answer."""
        if self._database is None:
            return
        self._results.append((key, answer, int(time.time())))
        self._pending += len(answer)
        if len(self._results) >= MANY or self._pending > 4 << 20:
            self._flush()

    def _open(self) -> sqlite3.Connection | None:
        try:
            os.makedirs(os.path.dirname(self._file), mode=0o700, exist_ok=True)
            return self._connect()
        except sqlite3.OperationalError as error:
            self._warn(f"working without the cache {self._file}: {error}")
        except sqlite3.DatabaseError as error:
            return self._start_again(error)
        except OSError as error:
            self._warn(f"working without a cache: {self._file}: {error.strerror}")
        return None

    def _holds_answers(self, database: sqlite3.Connection) -> bool:
        try:
            return database.execute("select 1 from results limit 1").fetchone() is not None
        except sqlite3.Error as error:
            self._trouble(error)
            return False

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=WAIT, isolation_level=None)
        try:
            database.execute("pragma journal_mode=wal")
            database.execute("pragma synchronous=off")
            database.executescript(SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _start_again(self, error: sqlite3.Error) -> sqlite3.Connection | None:
        """Throw a broken database away and begin a new one."""
        self._warn(f"the cache was broken and is started anew: {self._file}: {error}")
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(self._file + suffix)
        try:
            return self._connect()
        except sqlite3.Error:
            return None

    def _trouble(self, error: sqlite3.Error) -> None:
        """A statement failed: go on without the cache, and without a broken one next time."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if isinstance(error, sqlite3.OperationalError):
            self._warn(f"going on without the cache {self._file}: {error}")
        else:
            fresh = self._start_again(error)
            if fresh is not None:
                fresh.close()

    def _select(self, question: str, names: Sequence[K]) -> dict[K, bytes]:
        found: dict[K, bytes] = {}
        for start in range(0, len(names), BATCH):
            if self._database is None:
                break
            chosen = names[start : start + BATCH]
            try:
                found.update(self._database.execute(f"{question} ({','.join('?' * len(chosen))})", chosen))
            except sqlite3.Error as error:
                self._trouble(error)
        return found

    def _write(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        if self._database is None:
            return
        try:
            self._database.execute("begin immediate")
            self._database.executemany(statement, rows)
            self._database.execute("commit")
        except sqlite3.Error as error:
            self._trouble(error)

    def _flush(self) -> None:
        if self._contents:
            self._write("insert or replace into contents values (?, ?)", self._contents)
        if self._results:
            self._write("insert or replace into results values (?, ?, ?)", self._results)
        self._contents, self._results, self._pending = [], [], 0

    def _touch(self) -> None:
        """Note which rows were of use, by day: most runs then write nothing."""
        if not self._used or self._database is None:
            return
        day = int(time.time()) // 86400 * 86400
        self._write(
            "update results set used = ? where key = ? and used < ?",
            ((int(time.time()), key, day) for key in self._used),
        )
        self._used = []

    def _evict(self) -> None:
        if self._database is None or os.path.getsize(self._file) < LIMIT:
            return
        try:
            rows = self._database.execute("select count(*) from results").fetchone()[0]
            self._database.execute(
                "delete from results where key in (select key from results order by used limit ?)",
                (rows // 2,),
            )
            self._database.execute("delete from contents")
            self._database.execute("vacuum")
        except sqlite3.Error as error:
            self._trouble(error)


def default_folder() -> str:
    """Where this user keeps caches."""
    from platformdirs import user_cache_dir

    return user_cache_dir("repairbot", appauthor=False)


def code_version() -> bytes:
    """A digest of the code that makes results: this package, its rules, rules from elsewhere, the Python it runs on.

    Files count by size and time of change, so that an edited rule is a new rule.
    """
    import repairbot
    import repairbot_rules
    from repairbot import plugins

    parts = [repairbot.__version__, sys.version, *plugins.versions()]
    for package in (repairbot, repairbot_rules):
        for folder in package.__path__:
            parts += _stamps(folder)
    return digest(*(part.encode("utf-8", "surrogateescape") for part in parts))


def _stamps(folder: str) -> list[str]:
    stamps = []
    with os.scandir(folder) as found:
        for item in sorted(found, key=lambda item: item.name):
            if item.is_dir() and item.name != "__pycache__":
                stamps += _stamps(item.path)
            elif item.name.endswith((".py", ".toml")):
                held = item.stat()
                stamps.append(f"{item.name}:{held.st_size}:{held.st_mtime_ns}")
    return stamps
