"""The pass across files: who asks for a function or class of another file, and which file answers.

Names are matched to files by path, and only where one file can be meant: the folder that an absolute name
starts in must lie above the file that asks, or be the one place where such a package stands.
"""

from __future__ import annotations

import json
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

from repairbot.lazily import dataclass

Answers = dict[str, dict[str, Any]]
"""What others answered to one file: {"summaries": {asked name: Summary as JSON}, "resources": {...}}."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How files of one language are named as modules: their suffixes, and the stem that stands for a folder."""

    suffixes: tuple[str, ...]
    package: str

    def module(self, path: str) -> str:
        """The module's path: "a/b.py" is "a/b", "a/__init__.py" is "a"."""
        stem = posixpath.splitext(path)[0]
        folder, name = posixpath.split(stem)
        return folder if self.package and name == self.package else stem

    def files(self, module: str) -> Iterator[str]:
        """The paths a module's path can stand for."""
        for suffix in self.suffixes:
            if module:
                yield module + suffix
            if self.package:
                yield posixpath.join(module, self.package + suffix)


class Exchange:
    """Collects what files ask and joins it with what the asked files offer."""

    def __init__(self, namings: Mapping[str, Naming], there: Callable[[str], bool]) -> None:
        """`there` tells whether a path (relative to the root; file or folder) exists."""
        self._namings = namings
        self._there = there
        self._known: dict[str, bool] = {}
        self._examined: set[str] = set()
        self._asks: dict[int, tuple[str, str, dict[str, bool]]] = {}
        self._offers: dict[tuple[str, str], tuple[str, Any]] = {}
        self._named: dict[tuple[str, str, str], list[tuple[str, str]]] = {}

    def ask(
        self, tag: int, path: str, language: str, asks: tuple[str, ...], makers: tuple[str, ...] = ()
    ) -> None:
        """One examined file, and the names it asks about. Asking again replaces what it asked before.

        Of `makers` only those are an answer that hand out a resource: the file is not examined again for the rest.
        """
        self._examined.add(path)
        if asks or makers:
            self._asks[tag] = (path, language, {**dict.fromkeys(makers, True), **dict.fromkeys(asks, False)})

    def offer(self, path: str, offers: bytes) -> None:
        """What a file offers, asked or not: a line of JSON, {"exports": [...], "resources": [...]}."""
        for kind, name, value in _named(json.loads(offers)) if len(offers) > len(b"{}") else ():
            self._offers[path, name] = (kind, value)

    def asked(self) -> dict[str, tuple[str, ...]]:
        """The files that others ask, by path, with the names in them that are asked about."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for path, language, asks in self._asks.values():
            for ask, maker in asks.items():
                for file, name in self._candidates(ask, path, language):
                    # What hands out a resource is offered by every file that was examined.
                    if file != path and not (maker and file in self._examined):
                        found[file].add(name)
        return {file: tuple(sorted(names)) for file, names in found.items()}

    def answers(self) -> dict[int, Answers]:
        """For every file (by tag) whose questions others answered: the answers that tell it something."""
        found: dict[int, Answers] = {}
        for tag, (path, language, asks) in self._asks.items() if self._offers else ():
            answered: Answers = defaultdict(dict)
            for ask, maker in asks.items():
                for file, name in self._candidates(ask, path, language):
                    answer = self._offers.get((file, name))
                    if answer and answer[0] == "summaries" and not _tells(answer[1], maker):
                        break
                    if answer and file != path:
                        answered[answer[0]][ask] = answer[1]
                        break
            if answered:
                found[tag] = dict(answered)
        return found

    def _candidates(self, ask: str, asker: str, language: str) -> list[tuple[str, str]]:
        """The existing files that `ask` can name something in, with the name inside, nearest folder first."""
        key = ask, posixpath.dirname(asker), language
        if key not in self._named:
            self._named[key] = list(self._search(ask, key[1], language))
        return self._named[key]

    def _search(self, ask: str, folder: str, language: str) -> Iterator[tuple[str, str]]:
        naming = self._namings[language]
        parts = ask.split(".")
        for start in self._starts(parts[0], folder, naming):
            for cut in range(len(parts) - 1, 0, -1):
                for file in naming.files(posixpath.join(start, *parts[:cut])):
                    if self._exists(file):
                        yield file, ".".join(parts[cut:])

    def _starts(self, first: str, folder: str, naming: Naming) -> Iterator[str]:
        """The folders from `folder` up that hold a module or package called `first` and are no package themselves."""
        while True:
            if any(self._exists(posixpath.join(folder, first + end)) for end in ("", *naming.suffixes)):
                is_package = naming.package and any(
                    self._exists(posixpath.join(folder, naming.package + suffix))
                    for suffix in naming.suffixes
                )
                if not is_package or not folder:
                    yield folder
            if not folder:
                break
            folder = posixpath.dirname(folder)
        for source in ("src", "lib"):
            if self._exists(posixpath.join(source, first)):
                yield source

    def _exists(self, path: str) -> bool:
        if path in self._examined:
            return True
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._there(path)
        return known


@dataclass(slots=True)
class Line:
    """The second and third line of a child's answer, read as far as the parent needs."""

    asks: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    unknown: int = 0
    waiting: bool = False
    offers: bytes = field(default=b"")

    @classmethod
    def read(cls, asking: bytes, offers: bytes) -> Line:
        """From the two lines. Raises ValueError."""
        held = json.loads(asking) if len(asking) > len(b"{}") else {}
        asks, makers = (tuple(held.get(key, ())) for key in ("asks", "makers"))
        return cls(asks, makers, int(held.get("unknown", 0)), bool(held.get("waiting")), offers)


def _tells(summary: dict[str, Any], maker: bool) -> bool:
    """Whether a summary says more than that nothing is known of the function."""
    return bool(summary.get("returns") or (not maker and summary.get("effects")))


def _named(links: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for summary in links.get("exports", ()):
        yield "summaries", summary["name"], summary
    for resource in links.get("resources", ()):
        for name in resource["acquire"]:
            yield "resources", name, resource
