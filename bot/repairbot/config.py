"""Settings: `[tool.repairbot]` in pyproject.toml, or `.repairbot.toml` with the same keys.

Unknown keys and wrong types are errors that say where, and which key was probably meant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from repairbot.lazily import dataclass
from repairbot.model import SEVERITIES, Confidence, Settings
from repairbot.sources import MAX_SIZE

OWN_FILE, PYPROJECT = ".repairbot.toml", "pyproject.toml"
MENTION = b"tool.repairbot"
"""What a pyproject.toml that configures us holds."""
CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


FailOn = Literal["never", "low", "medium", "high"]
FAIL_ON: tuple[FailOn, ...] = ("never", "low", "medium", "high")
MOST_COMMENTS = 30
"""GitHub answers 502 to a review with more comments. Source: src-d/lookout#264."""


class ConfigError(Exception):
    """The configuration cannot be used. One clear line for the user."""


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """How pull requests are reviewed: `[tool.repairbot.review]`.

    `max_comments`: open comments on one pull request, at most 30. `drafts`, `bots`: whether drafts, and pull
    requests that a bot opened, are looked at. `fail_on`: the least severity of a leak which the change brings
    in that makes the check fail. `opt_out`: the label that keeps us away from a pull request.
    """

    max_comments: int = 10
    drafts: bool = False
    bots: bool = False
    fail_on: FailOn = "never"
    opt_out: str = "repairbot: off"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that is configured.

    `settings` is what analyses and repairs depend on; the rest says what is looked at, shown, and how hard is
    worked. `include` and `exclude` are patterns as in .gitignore, relative to the project. `folder`: where
    the configuration stands ("" when there is none). `baseline`: an absolute path or "". `memory` in MiB a
    child, `seconds` a file, `max_size` in bytes.
    """

    settings: Settings = field(default_factory=Settings)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_size: int = MAX_SIZE
    confidence: Confidence = "medium"
    baseline: str = ""
    jobs: int = 0
    memory: int = 1536
    seconds: int = 30
    folder: str = ""
    review: ReviewSettings = field(default_factory=ReviewSettings)


def load(file: Path | None) -> Config:
    """The configuration in `file`; the defaults for None. Raises ConfigError."""
    if file is None:
        return Config()
    return loads(_bytes(file), str(file.parent), file.name)


def loads(content: bytes, folder: str, name: str) -> Config:
    """The configuration that a file called `name` in `folder` holds. Raises ConfigError."""
    return parse(_table(content, name), folder, name)


def held(read: Callable[[str], bytes | None]) -> Config:
    """The configuration at the top of a tree that is no folder. `read` gives a file's content, None without one.

    Raises ConfigError.
    """
    own = read(OWN_FILE)
    if own is not None:
        return loads(own, "", OWN_FILE)
    pyproject = read(PYPROJECT)
    return loads(pyproject, "", PYPROJECT) if pyproject and MENTION in pyproject else Config()


def find(start: Path, top: Path) -> Path | None:
    """The nearest configuration at `start` (a folder) or above it, up to `top`."""
    for folder in (start, *start.parents):
        own, pyproject = folder / OWN_FILE, folder / PYPROJECT
        if own.is_file():
            return own
        if pyproject.is_file() and MENTION in _bytes(pyproject):
            return pyproject
        if folder == top:
            break
    return None


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error


def _table(content: bytes, name: str) -> Mapping[str, object]:
    import tomllib

    try:
        table: Mapping[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{name} is not valid TOML: {error}") from error
    if name == PYPROJECT or set(table) == {"tool"}:
        inner = table.get("tool", {})
        table = inner.get("repairbot", {}) if isinstance(inner, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError(f"{name}: tool.repairbot must be a table")
    return table


def parse(table: Mapping[str, object], folder: str, name: str) -> Config:
    """The configuration that a table holds. `name`: the file's name, for the errors. Raises ConfigError."""
    reader = _Reader(name)
    known: dict[str, Callable[[str, object], object]] = {
        "rules": reader.switches,
        "severity": reader.severities,
        "confidence": lambda where, value: reader.choice(where, value, CONFIDENCES),
        "bounds": reader.bounds,
        "paths": lambda where, value: reader.section(where, value, PATHS),
        "limits": lambda where, value: reader.section(where, value, LIMITS),
        "review": lambda where, value: reader.section(where, value, REVIEW),
        "baseline": reader.text,
        "jobs": reader.count,
        "resource": reader.resources,
    }
    read = {key: known[reader.key("", key, known)](key, value) for key, value in table.items()}
    settings = Settings(
        rules=_as(dict, read.get("rules", {})),
        severity=_as(dict, read.get("severity", {})),
        bounds={"default": 1000} | _as(dict, read.get("bounds", {})),
        resources=_as(tuple, read.get("resource", ())),
    )
    paths, limits = _as(dict, read.get("paths", {})), _as(dict, read.get("limits", {}))
    baseline = str(read.get("baseline", ""))
    return Config(
        settings,
        include=paths.get("include", ()),
        exclude=paths.get("exclude", ()),
        max_size=paths.get("max-size", MAX_SIZE),
        confidence=_as(str, read.get("confidence", "medium")),
        baseline=os.path.join(folder, baseline) if baseline else "",
        jobs=_as(int, read.get("jobs", 0)),
        memory=limits.get("memory", 1536),
        seconds=limits.get("seconds", 30),
        folder=folder,
        review=ReviewSettings(
            **{key.replace("-", "_"): value for key, value in _as(dict, read.get("review", {})).items()}
        ),
    )


PATHS = {"include": "texts", "exclude": "texts", "max-size": "count"}
LIMITS = {"memory": "count", "seconds": "count"}
REVIEW = {
    "max-comments": "comments",
    "drafts": "flag",
    "bots": "flag",
    "fail-on": "fail_on",
    "opt-out": "text",
}


def _as(kind: type, value: Any) -> Any:
    """For the type checker: the readers have made sure of it."""
    assert isinstance(value, kind)
    return value


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one value each, or says what is wrong with it and where."""

    file: str

    def fail(self, where: str, problem: str) -> ConfigError:
        return ConfigError(f"{self.file}: {where}: {problem}")

    def key(self, where: str, key: str, known: Iterable[str]) -> str:
        if key in known:
            return key
        raise self.fail(f"{where}.{key}" if where else key, f"unknown key{nearest(key, known)}")

    def text(self, where: str, value: object) -> str:
        if isinstance(value, str):
            return value
        raise self.fail(where, "must be a text")

    def texts(self, where: str, value: object) -> tuple[str, ...]:
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise self.fail(where, "must be a text or a list of texts")

    def count(self, where: str, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        raise self.fail(where, "must be a whole number above 0")

    def comments(self, where: str, value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_COMMENTS:
            return value
        raise self.fail(where, f"must be a whole number from 0 to {MOST_COMMENTS}")

    def fail_on(self, where: str, value: object) -> str:
        return self.choice(where, value, FAIL_ON)

    def choice(self, where: str, value: object, allowed: tuple[str, ...]) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise self.fail(where, f"must be one of {', '.join(allowed)}")

    def table(self, where: str, value: object) -> dict[str, object]:
        if isinstance(value, dict):
            return value
        raise self.fail(where, "must be a table")

    def section(self, where: str, value: object, known: Mapping[str, str]) -> dict[str, object]:
        """A table with fixed keys; `known` names the reader of each."""
        held = self.table(where, value)
        return {
            key: getattr(self, known[self.key(where, key, known)])(f"{where}.{key}", each)
            for key, each in held.items()
        }

    def rule(self, where: str, name: str) -> str:
        from repairbot.rule import rule_ids

        return self.key(where, name, rule_ids())

    def switches(self, where: str, value: object) -> dict[str, bool]:
        words: dict[object, bool] = {True: True, False: False, "on": True, "off": False}
        found = {}
        for name, state in self.table(where, value).items():
            self.rule(where, name)
            if not isinstance(state, bool | str) or state not in words:
                raise self.fail(f"{where}.{name}", 'must be true, false, "on" or "off"')
            found[name] = words[state]
        return found

    def severities(self, where: str, value: object) -> dict[str, str]:
        held = self.table(where, value)
        return {
            self.rule(where, name): self.choice(f"{where}.{name}", each, SEVERITIES)
            for name, each in held.items()
        }

    def bounds(self, where: str, value: object) -> dict[str, int]:
        held = self.table(where, value)
        return {
            name if name == "default" else self.rule(where, name): self.count(f"{where}.{name}", each)
            for name, each in held.items()
        }

    def resources(self, where: str, value: object) -> tuple[dict[str, object], ...]:
        if not isinstance(value, list):
            raise self.fail(where, "must be tables: [[tool.repairbot.resource]]")
        return tuple(self.resource(f"{where} {number}", each) for number, each in enumerate(value, 1))

    def resource(self, where: str, value: object) -> dict[str, object]:
        """One of the project's own resources: texts and lists as in the resources files of the rules."""
        readers: dict[str, Callable[[str, object], object]] = {
            "acquire": self.callees,
            "release": self.callees,
            "borrows": self.callees,
            "keeps": self.callees,
            "id": self.text,
            "what": self.text,
            "scope": lambda where, value: self.choice(where, value, ("releases", "other", "none")),
            "severity": lambda where, value: self.choice(where, value, SEVERITIES),
            "asynchronous": self.flag,
            "collected": self.flag,
            "slots": self.numbers,
        }
        held = self.table(where, value)
        read = {
            key: readers[self.key(where, key, readers)](f"{where}: {key}", each) for key, each in held.items()
        }
        for needed in ("acquire", "release"):
            if not read.get(needed):
                raise self.fail(where, f"needs `{needed}`")
        return read

    def callees(self, where: str, value: object) -> list[str]:
        names = list(self.texts(where, value))
        if not all(part.isidentifier() for name in names for part in name.removeprefix(".").split(".")):
            raise self.fail(where, 'must name callees, as "pool.take" or ".close"')
        return names

    def flag(self, where: str, value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise self.fail(where, "must be true or false")

    def numbers(self, where: str, value: object) -> list[int]:
        if isinstance(value, list) and all(isinstance(each, int) for each in value):
            return value
        raise self.fail(where, "must be a list of whole numbers")


def nearest(name: str, known: Iterable[str]) -> str:
    """ "; did you mean X?" where something known comes near, else the list of what is known."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"
