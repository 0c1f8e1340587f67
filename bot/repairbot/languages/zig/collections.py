"""Lists and maps that are members of a struct: where they grow, where they shrink, and how long the struct lives.

Read off the text: a member is named after a dot, and what stands behind says what happens. A member that is handed
on whole is nobody's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from repairbot.languages.living import LONG, SHORT
from repairbot.languages.zig.acquiring import Acquiring
from repairbot.languages.zig.callees import callees
from repairbot.languages.zig.given import arguments
from repairbot.languages.zig.syntax import Definition, Field, Module, Struct
from repairbot.languages.zig.words import word_ends
from repairbot.lifetimes.ops import Container, Event, Kind, Lives, Member
from repairbot.model import Span, Step

_ONCE: Final = re.compile(
    r"^(?:init|create|new|open|load|parse|build|from|main|clone|copy|dupe|deinit|destroy|setup|restore)(?:[A-Z_]\w*)?$"
)
_RUNS: Final = re.compile(
    r"^(?:run|loop|serve|listen|tick|poll|update|dispatch|process|handle|on)(?:[A-Z_]\w*)?$"
)
"""Methods of a struct that lives as long as its events come."""
_ADDS: Final = re.compile(r"\s*\.(append\w*|addOne\w*|insert\w*|prepend\w*|writeItem|enqueue|push\w*|add)\(")
_PUTS: Final = re.compile(r"\s*\.(put\w*|getOrPut\w*|fetchPut\w*)\(")
_DROPS: Final = re.compile(
    r"\s*\.(\w*[rR]emove\w*|pop\w*|clear\w*|shrink\w*|resize|toOwned\w*|deinit|swap\w*|dequeue|readItem|replaceRange"
    r"|moveTo\w*|move|reset|fromOwnedSlice)\("
)
_REPLACED: Final = re.compile(r"\s*=(?!=)|\s*\.items(?:\.len)?\s*[-+]?=(?!=)")
_COMPARED: Final = re.compile(r"\s*\.(?:items\.len|count\(\)|len)\s*(?:>=?|<=?|==)\s*([\w.]+)")
_COUNTED: Final = re.compile(r"\s*\.(?:items\.len|count\(\)|len|capacity)\b")
_LAST: Final = re.compile(r"\s*\.items\[[\w.]*\.items\.len\s*-\|?\s*(\w+)\s*\.\.\s*\]")
_LOOKED_UP: Final = re.compile(r"\s*\.(get\w*|contains\w*)\(")
_READ: Final = re.compile(r"\s*\.(?:\w+)")
_EXPRESSIONS: Final = frozenset({"expression_statement", "variable_declaration"})


class Collections:
    """The collections of one file's structs."""

    def __init__(self, module: Module, acquiring: Acquiring) -> None:
        self.module, self.acquiring = module, acquiring

    def collect(self) -> Iterator[Container]:
        """One container for each struct that keeps something that grows."""
        for struct in self.module.structs:
            teardown = struct.functions.get("deinit")
            if teardown is None or not teardown.parameters or not teardown.method:
                continue
            members = {
                item.name: Member(item.name, events)
                for item in struct.fields(self.module)
                if (kind := self._kind(item)) and (events := self._events(struct, item, kind))
            }
            if not members:
                continue
            lives, evidence = self._lives(struct, members)
            yield Container(
                struct.symbol or struct.name,
                "struct",
                self.module.span(struct.node.start_byte, struct.node.start_byte + 1),
                members=members,
                lives=lives,
                evidence=evidence,
                limits=self._limits(struct),
                this=teardown.parameters[0].name,
            )

    def _kind(self, item: Field) -> str:
        """list or dict; "" for what is no collection."""
        base = self.acquiring.kind(item.type).partition("(")[0]
        if item.type.lstrip().startswith(("*", "?")) or not self.acquiring.container(item.type):
            return ""
        if "HashMap" in base or "BufMap" in base or "BufSet" in base:
            return "dict"
        return "list" if "List" in base and base in callees().managed | callees().unmanaged else ""

    def _lives(self, struct: Struct, members: dict[str, Member]) -> tuple[Lives, tuple[Step, ...]]:
        line = self.module.line(struct.node.start_byte)
        if SHORT.search(struct.name):
            return "short", ()
        if LONG.search(struct.name):
            return "long", (Step(line, f"a {struct.name} lives as long as what it serves"),)
        grown = {event.method for member in members.values() for event in member.of(Kind.GROW)}
        for name in sorted(grown & set(struct.functions)):
            if _RUNS.match(name):
                at = self.module.line(struct.functions[name].node.start_byte)
                return "long", (Step(at, f"{name}() runs as often as something happens"),)
        return "unknown", ()

    def _limits(self, struct: Struct) -> dict[str, int]:
        """Members that name a limit and that nothing reads."""
        found: dict[str, int] = {}
        for item in struct.fields(self.module):
            if re.search(r"^max_|_max$|_limit$|^limit", item.name) and re.fullmatch(
                r"u\d+|usize", item.type.strip()
            ):
                mentions = list(word_ends(self.module.source, f".{item.name}".encode()))
                if all(re.match(rb"\s*=", self.module.source[end : end + 20]) for end in mentions):
                    found[f"self.{item.name}"] = item.at.line
        return found

    # What happens to one member

    def _events(self, struct: Struct, item: Field, kind: str) -> list[Event]:
        """Everything that happens to a member; nothing where it is handed on, or never grows."""
        source, word = self.module.source, f".{item.name}".encode()
        found: list[Event] = [Event(Kind.INIT, "", item.at, how="field", detail=kind)]
        for end in word_ends(source, word):
            start = end - len(word)
            definition = self._around(end)
            if definition is None or source[start - 1 : start] in (b"{", b" ", b"\t", b"\n", b",", b"("):
                continue  # a member of a literal, or of a type
            event = self._event(struct, item, definition, start, end, kind)
            if event is None:
                return []
            found.append(event)
        return found if any(event.kind is Kind.GROW for event in found) else []

    def _event(
        self, struct: Struct, item: Field, definition: Definition, start: int, end: int, kind: str
    ) -> Event | None:
        """One mention; None where somebody else gets the collection."""
        source = self.module.source
        rest = source[end : end + 400].decode("utf-8", "replace")
        line = source[source.rfind(b"\n", 0, start) + 1 : start]
        method = definition.name
        at = self.module.span(start, end)
        once = _ONCE.match(method) is not None
        if (match := _ADDS.match(rest)) or (match := _PUTS.match(rest)):
            given = arguments(source[end + match.end() : end + 2000].decode("utf-8", "replace"))
            if given and self.acquiring.allocators.is_one(given[0]):
                given = given[1:]
            put = kind == "dict"
            return Event(
                Kind.GROW,
                method,
                at,
                how="setitem" if put else "append",
                key=given[0] if put and given else "",
                argument=given[-1] if given else "",
                repeats=not once,
                statement=self._statement(start),
                target=self._target(start, end),
            )
        if _DROPS.match(rest) or _REPLACED.match(rest):
            if method in ("deinit", "destroy") or (once and _REPLACED.match(rest)):
                return Event(Kind.READ, method, at, detail="other")
            return Event(Kind.SHRINK, method, at, how="clear", repeats=True)
        if match := _COMPARED.match(rest):
            if match.group(1) == "0":
                return Event(Kind.READ, method, at, detail="truth")
            return Event(Kind.BOUND, method, at, how="len", argument=match.group(1))
        if match := _LAST.match(rest):
            return Event(Kind.READ, method, at, detail="last", argument=match.group(1), how="slice")
        if _COUNTED.match(rest):
            return Event(Kind.READ, method, at, detail="len")
        if match := _LOOKED_UP.match(rest):
            given = arguments(rest[match.end() :])
            return Event(Kind.READ, method, at, detail="key", key=given[0] if given else "")
        if b"&" in line.rsplit(b" ", 1)[-1] or not _READ.match(rest):
            return None
        return Event(Kind.READ, method, at, detail="iterate" if rest.startswith(".items)") else "other")

    def _around(self, offset: int) -> Definition | None:
        return self.acquiring.given.around(offset)

    def _target(self, start: int, end: int) -> str:
        """The collection as it is written there."""
        head = re.search(rb"[\w.]*$", self.module.source[max(start - 80, 0) : start])
        before = head.group().decode("utf-8", "replace") if head else ""
        return before + self.module.source[start:end].decode("utf-8", "replace")

    def _statement(self, offset: int) -> Span | None:
        node = self.module.root.descendant_for_byte_range(offset, offset + 1)
        while node is not None and node.type not in _EXPRESSIONS:
            node = node.parent
        return self.module.span(node.start_byte, node.end_byte) if node is not None else None
