"""What functions do with their arguments and hand out, computed from their graphs when somebody asks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Final, Protocol

from repairbot.languages.base import Project
from repairbot.languages.zig.idle import busy
from repairbot.languages.zig.releases import Releases
from repairbot.languages.zig.syntax import Definition, Module, Struct
from repairbot.languages.zig.words import word_ends
from repairbot.lifetimes.ops import EXIT, FAIL, Effect, Function, Kind, Resource, Summary, aliases, moves

ANYTHING: Final = Resource("anything", "a value", ("a caller",), (".deinit",), collected=False)
"""Stands for a parameter of which nothing is known."""
_MOST: Final = 80
"""How many summaries are made for one file: beyond that, callees count as unknown."""
_TAKES: Final = re.compile(
    r"\b(?:takes?|taking|assumes?|transfers?) (?:the )?ownership|\bis (?:now )?owned by\b", re.IGNORECASE
)
_OWNS: Final = re.compile(
    r"(?:caller|callee|you)[^.\n]*\b(?:owns|own|free|responsib)|\bowned by (?:the )?caller|must be freed",
    re.IGNORECASE,
)


_HANDED_ON: Final = re.compile(rb"((?:\.\w+)+)\([^()\n;]*\b(?:\w*alloc\w*|gpa)\b")
_SCALAR: Final = re.compile(r"(?:type|bool|[uif]\d+|[ui]size|std\.mem\.Allocator|Allocator)$")
_POINTER: Final = re.compile(r"[\[*]")


class Outcome(Protocol):
    """A function's graph, and whether some of its returns give what it does not own."""

    @property
    def function(self) -> Function: ...

    @property
    def mixed(self) -> bool: ...


Lower = Callable[[Definition, dict[str, Resource]], Outcome | None]


class Oracle:
    """Answers what calls do with their arguments and what they hand out."""

    def __init__(
        self,
        module: Module,
        project: Project,
        lower: Lower,
        allocating: Callable[[Definition], bool],
        releases: Releases,
    ) -> None:
        """`lower` gives a function's graph in which the named parameters hold something from the start.

        `allocating` tells whether a function makes something by itself.
        """
        self.module, self.project, self.lower, self.allocating = module, project, lower, allocating
        self.releases = releases
        self.asks: set[str] = set()
        """The functions of other files whose effect would tell something here."""
        self.unanswered = 0
        """How often an answer was missed that may still come."""
        self._wanted: dict[tuple[int, int], set[str]] = {}
        self._asking: list[set[str]] = [self.asks]
        self._effects: dict[tuple[int, int], Effect] = {}
        self._returns: dict[int, str] = {}
        self._fields: dict[str, dict[str, str]] = {}
        self._pools: dict[str, str] = {}
        self.made = 0
        self._first = not (project.asked or project.summaries or project.resources)

    def field_type(self, struct: Struct, name: str) -> str:
        """The text of a member's type."""
        if struct.symbol not in self._fields:
            self._fields[struct.symbol] = {item.name: item.type for item in struct.fields(self.module)}
        return self._fields[struct.symbol].get(name, "")

    def gives_back(self, pool: str) -> str:
        """The method by which this file gives something back to a pool of that name, or ""."""
        if pool not in self._pools:
            pattern = rf"\b{re.escape(pool)}\.(release|give\w*|put\w*|return\w*|recycle|restore|checkin|destroy)\(\w+\)"
            match = re.search(pattern.encode(), self.module.source)
            self._pools[pool] = match.group(1).decode("utf-8", "replace") if match else ""
        return self._pools[pool]

    def effect(self, definition: Definition, position: int, *, asking: bool = True) -> Effect:
        """What a function of this file does with one parameter. `asking`: other files are worth asking for it."""
        if position >= len(definition.parameters):
            return "unknown"
        parameter = definition.parameters[position]
        if _SCALAR.match(parameter.type):
            return "borrows"
        key = (definition.node.start_byte, position)
        if key not in self._effects:
            if self.made >= _MOST or definition.body_node is None or not parameter.name:
                return "unknown"
            if _TAKES.search(definition.doc) and re.search(
                rf"\b{re.escape(parameter.name)}\b", definition.doc
            ):
                self._effects[key] = "takes"
                return "takes"
            start, end = definition.body_range
            head = definition.node.start_byte
            if not any(start <= head + at < end for at in busy(definition.text, parameter.name.encode())):
                self._effects[key] = "borrows"
                return "borrows"
            self.made += 1
            self._effects[key] = "unknown"  # while it is being made: recursion learns nothing
            self._wanted[key] = set()
            self._asking.append(self._wanted[key])
            lowered = self.lower(definition, {parameter.name: ANYTHING})
            self._asking.pop()
            if lowered is not None:
                self._effects[key] = effect_in(lowered.function, parameter.name)
        if asking:
            self._asking[-1].update(self._wanted.get(key, ()))
        return self._effects[key]

    def heard(self) -> dict[tuple[int, int], str]:
        """All that was answered: effects by function and parameter, and what functions hand out as parameter -1."""
        numbers = {each.node.start_byte: number for number, each in enumerate(self.module.functions)}
        effects = {(numbers[start], position): effect for (start, position), effect in self._effects.items()}
        return {**effects, **{(numbers[start], -1): release for start, release in self._returns.items()}}

    def returns(self, definition: Definition) -> str:
        """The release, in terms of the parameters, of what a function of this file makes and returns; or ""."""
        key = definition.node.start_byte
        if key not in self._returns:
            self._returns[key] = ""
            node = definition.body_node
            returned = definition.returns.rpartition("!")[2]
            if node is None or not _POINTER.search(returned) or not self.allocating(definition):
                return ""
            if self.made >= _MOST:
                return ""
            self.made += 1
            lowered = self.lower(definition, {})
            if lowered is not None and not lowered.mixed:
                self._returns[key] = self._template(handed_out(lowered.function), definition)
        return self._returns[key]

    def _template(self, resource: Resource | None, definition: Definition) -> str:
        if resource is None or not resource.release[0].endswith((".free", ".destroy")):
            return ""
        head, _, method = resource.release[0].rpartition(".")
        root = head.partition(".")[0]
        for position, parameter in enumerate(definition.parameters):
            if parameter.name == root:
                return f"${position}{head[len(root) :]}.{method}"
        text = definition.text.decode("utf-8", "replace")
        if re.search(rf"\b(?:const|var)\s+{re.escape(root)}\b", text):
            return ""  # a local of that function
        return resource.release[0]

    def foreign(self, qualified: str, *, asking: bool) -> Summary | None:
        """The summary of a function of another file; where it is worth `asking`, asked for when it is not there."""
        name = self.elsewhere(qualified)
        found = self.project.summaries.get(name)
        if found is None and name and asking:
            self._asking[-1].add(name)
            self.unanswered += self._first
        return found

    def maker(self, qualified: str) -> Summary | None:
        """The summary of a function of another file, where that hands out what it makes."""
        return self.project.summaries.get(self.elsewhere(qualified))

    def elsewhere(self, qualified: str) -> str:
        """The name by which the project knows a function of another file, ""."""
        cut = qualified.find(".zig.")
        if cut < 0 or "()" in qualified or "[]" in qualified:
            return ""
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.module.path), qualified[:cut]))
        return "" if path.startswith("..") else f"{path.replace('/', '.')}.{qualified[cut + 5 :]}"

    def makers(self) -> set[str]:
        """The functions of other files that are given an allocator here: they may hand out what they make."""
        heads = [name for name, target in self.module.imports.items() if ".zig" in target]
        if not heads:
            return set()
        source, found = self.module.source, set[str]()
        for head in heads:
            for end in word_ends(source, head.encode()):
                match = _HANDED_ON.match(source, end)
                if match is not None and source[end - len(head) - 1 : end - len(head)] != b".":
                    found.add(head + match[1].decode("utf-8", "replace"))
        return {name for each in found if (name := self.elsewhere(self.module.qualified(each)))}

    def exports(self) -> dict[str, Summary]:
        """Summaries of the functions that others ask about; if none is, of those that hand out what they make."""
        found: dict[str, Summary] = {}
        asked = self.project.asked
        for definition in self.module.functions:
            if asked and definition.symbol not in asked:
                continue
            returned = self.returns(definition)
            if not (asked or returned):
                continue  # most functions
            names = tuple(parameter.name for parameter in definition.parameters)
            if not asked:
                found[definition.symbol] = Summary(definition.symbol, names, {}, returned)
                continue
            effects: dict[str, Effect] = {
                parameter.name: effect
                for position, parameter in enumerate(definition.parameters)
                if parameter.name and (effect := self.effect(definition, position)) != "unknown"
            }
            found[definition.symbol] = Summary(definition.symbol, names, effects, returned)
        return found


def effect_in(function: Function, parameter: str) -> Effect:
    """What a function does with a parameter, whatever the path; "unknown" where paths differ."""
    names = aliases(moves(function), parameter)
    ops = [op for block in function.blocks for op in block.ops if op.place in names]
    details = {op.detail for op in ops if op.kind is Kind.ESCAPE}
    released = any(op.kind is Kind.RELEASE for op in ops)
    if details & {"stored", "kept", "captured"}:
        return "takes" if released else "keeps"
    if "passed" in details or any(op.kind is Kind.UNKNOWN for op in ops):
        return "unknown"
    if "returned" in details:
        return "unknown" if released else "returns"
    if released:
        return "releases" if _always(function, names) else "unknown"
    return "borrows"


def _always(function: Function, names: set[str]) -> bool:
    """Whether every way out, errors included, passes a release."""
    waiting, seen = [0], {0}
    while waiting:
        block = function.blocks[waiting.pop()]
        if any(op.kind is Kind.RELEASE and op.place in names for op in block.ops):
            continue
        for edge in block.edges:
            if edge.place in names and edge.empty:
                continue
            if edge.target in (EXIT, FAIL):
                return False
            if edge.target not in seen:
                seen.add(edge.target)
                waiting.append(edge.target)
    return True


def handed_out(function: Function) -> Resource | None:
    """The resource that a function makes, returns and gives to nobody else."""
    ops = [op for block in function.blocks for op in block.ops]
    found: Resource | None = None
    for op in ops:
        if op.kind is not Kind.ACQUIRE or op.resource is None or op.resource.id == "anything":
            continue
        names = aliases(moves(function), op.place)
        details = {other.detail for other in ops if other.kind is Kind.ESCAPE and other.place in names}
        if "returned" not in details:
            continue
        if details - {"returned"} or (found is not None and found.release != op.resource.release):
            return None
        found = op.resource
    return found
