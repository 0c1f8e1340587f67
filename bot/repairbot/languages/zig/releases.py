"""The releases that stand in a file, found once: by the name that is released, and where."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property
from typing import Final

from repairbot.languages.zig.syntax import Definition, Module
from repairbot.languages.zig.words import last_word

_METHOD: Final = re.compile(
    rb"\.(deinit\w*|destroy|close|release\w*|unref|deref|dispose|rollback)\(([^()\n]{0,60})\)"
)
_FUNCTION: Final = re.compile(rb"\.(free|destroy)\((\w+)\)")
_BACK: Final = 120
"""Bytes that are looked at ahead of a release."""


def _receiver(head: bytes) -> str:
    """The allocator that stands ahead of a release: "self.gpa", "arena.allocator()"."""
    called = b"()" if head.endswith(b"()") else b""
    name = last_word(head.removesuffix(called), b".?")
    return (name + called).decode() if name else ""


class Releases:
    """Answers what a function releases by name."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._known: dict[int, dict[str, list[tuple[int, str]]]] = {}

    @cached_property
    def _all(self) -> list[tuple[int, str, str]]:
        """Place, name and template (as in Resource.release) of every release in the file."""
        source = self.module.source
        found: list[tuple[int, str, str]] = []
        for match in _METHOD.finditer(source):
            head = source[max(match.start() - _BACK, 0) : match.start()]
            name = last_word(head.removesuffix(b".?").removesuffix(b".*"))
            method, given = (group.decode("utf-8", "replace") for group in match.groups())
            if name and not (method == "destroy" and given):
                found.append((match.start(), name.decode(), f".{method}({given})" if given else f".{method}"))
        for match in _FUNCTION.finditer(source):
            receiver = _receiver(source[max(match.start() - _BACK, 0) : match.start()])
            if receiver:
                verb, value = (group.decode("utf-8", "replace") for group in match.groups())
                found.append((match.start(), value, f"{receiver}.{verb}"))
        return sorted(found)

    @cached_property
    def places(self) -> list[int]:
        """Where something is released, in order."""
        return [at for at, _, _ in self._all]

    def of(self, definition: Definition) -> dict[str, list[tuple[int, str]]]:
        """The releases in a function by name, each with its place."""
        start, end = definition.node.start_byte, definition.node.end_byte
        if start not in self._known:
            found: dict[str, list[tuple[int, str]]] = {}
            for index in range(bisect_left(self._all, (start, "", "")), len(self._all)):
                at, name, template = self._all[index]
                if at >= end:
                    break
                found.setdefault(name, []).append((at, template))
            self._known[start] = found
        return self._known[start]
