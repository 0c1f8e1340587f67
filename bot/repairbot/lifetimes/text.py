"""A text form of the model, so that analyses are tested without any language at all.

    resource conn "a connection" acquire=connect release=.close scope=other
    function Loader.read(path) @1 owner=Loader
      b0: acquire f file @2 fallible
          -> b1 | error @2 "open() raises"
      b1: use f @3 fallible
          -> b2 if f | -> b3 if not f | error -> b4 @3 "parse() raises"
      b2: release f @4
          loop -> b1
      b3: exit @5 "return"
      b4: escape f stored
          error @6
    container Cache class @1 lives=long teardowns=close
      evidence @1 "made at module level"
      method close @9
      member items
        init __init__ @3 detail=list
        grow put @5 how=append argument=x repeats
    registration task Server.start @4 call=create_task looped
      removal close @9 target=self
    loading file Loader.read @7 call=f.read

One thing a line; indentation is for the eye. An operation is `kind place`, then a resource (acquire), the
other place (move) or the detail (escape, unknown), then `@span`, flags and `key=value`. Several operations
follow each other in a block; its edges stand in one line, parted by ` | `. An edge without a target leaves:
`exit` normally, `error` by an error; `at=` and `passes=` are spans. Words with spaces or signs are quoted as
in JSON.

A span is `@line`, or in full `@line-end_line:column[start..end]`. A resource that is not declared has the
release `.close` and the scope "releases"; a declared one has what is written, and else the class's defaults.
Values equal to their default are not written. Idioms, summaries and notes of a unit have no text form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, NamedTuple

from repairbot.lifetimes.ops import (
    EXIT,
    FAIL,
    Block,
    Container,
    Edge,
    Event,
    Function,
    Kind,
    Load,
    Member,
    Op,
    Registration,
    Removal,
    Resource,
    Unit,
)
from repairbot.model import SafePattern, Span, Step


class TextError(ValueError):
    """The text is not of this form; the message names the line."""


class _Token(NamedTuple):
    key: str
    text: str
    quoted: bool


_TOKEN = re.compile(r'(?:(\w+)=)?("(?:[^"\\]|\\.)*"|[^\s"|]+|\|)')
_BARE = re.compile(r'[^\s"|=,@#:]+')
_SPAN = re.compile(r"@(\d+)(?:-(\d+))?(?::(\d+))?(?:\[(\d+)\.\.(\d+)\])?")
_FUNCTION = re.compile(r"([^\s\"(]+)\(([^)]*)\)\s*(.*)")
_BLOCK = re.compile(r"b(\d+):\s*(.*)")
_KINDS = frozenset(kind.value for kind in Kind)
_SECOND = {Kind.ACQUIRE: "resource", Kind.MOVE: "other", Kind.ESCAPE: "detail", Kind.UNKNOWN: "detail"}
"""What the second word of an operation means."""
_RECORDS = frozenset({"resource", "container", "registration", "loading", "safe"})
_SHORT = {"asynchronous": "async"}
_LONG = {short: long for long, short in _SHORT.items()}


def _tokens(line: str, number: int) -> list[_Token]:
    found, end = [], 0
    for match in _TOKEN.finditer(line):
        if line[end : match.start()].strip():
            break
        end = match.end()
        key, text = match[1] or "", match[2]
        quoted = text.startswith('"')
        found.append(_Token(key, json.loads(text) if quoted else text, quoted))
    if line[end:].strip():
        raise TextError(f"line {number}: cannot read {line[end:].strip()!r}")
    return found


def _word(text: str, reserved: Iterable[str] = ()) -> str:
    return text if _BARE.fullmatch(text) and text not in reserved else json.dumps(text)


# Spans


def span(line: int) -> Span:
    """The span that `@line` stands for."""
    return Span(0, 0, line, line, 1)


def _read_span(text: str, number: int) -> Span:
    match = _SPAN.fullmatch(text)
    if not match:
        raise TextError(f"line {number}: {text!r} is not a span such as @3 or @3-4:1[10..20]")
    line = int(match[1])
    return Span(int(match[4] or 0), int(match[5] or 0), line, int(match[2] or line), int(match[3] or 1))


def _write_span(at: Span) -> str:
    text = f"@{at.line}"
    if at.end_line != at.line:
        text += f"-{at.end_line}"
    if at.column != 1:
        text += f":{at.column}"
    if at.start or at.end:
        text += f"[{at.start}..{at.end}]"
    return text


# Attributes: whatever a record holds beside its leading words


def _attributes(record: Any, leading: Sequence[str]) -> Iterator[str]:
    """Fields that differ from their defaults, as flags and key=value, in the order of the class."""
    flags = _flags(type(record))
    for field in _fields(type(record)):
        value = getattr(record, field.name)
        if field.name in leading or value == field.default:
            continue
        name = _SHORT.get(field.name, field.name)
        if isinstance(value, bool):
            yield name if value else f"{name}=no"
        elif isinstance(value, Span):
            yield f"{name}={_write_span(value)}"
        elif isinstance(value, tuple):
            yield from (f"{name}={_word(str(item))}" for item in value)
        elif isinstance(value, Resource):
            yield f"{name}={_word(value.id, flags)}"
        else:
            yield f"{name}={_word(str(value))}"


def _flags(kind: type[Any]) -> set[str]:
    return {_SHORT.get(field.name, field.name) for field in _fields(kind) if field.type == "bool"}


class _Field(NamedTuple):
    name: str
    type: str
    default: Any


def _fields(kind: type[Any]) -> Iterator[_Field]:
    """The fields of a record, which is a dataclass or a named tuple; their types as they are written."""
    if is_dataclass(kind):
        for field in fields(kind):
            default = field.default_factory() if field.default_factory is not MISSING else field.default
            yield _Field(field.name, str(field.type), default)
        return
    for name in kind._fields:
        written = kind.__annotations__[name].__forward_arg__
        yield _Field(name, written, kind._field_defaults.get(name, MISSING))


class _Reader:
    """Reads the words of one line into the fields of one record."""

    def __init__(self, tokens: list[_Token], number: int, resources: dict[str, Resource]) -> None:
        self.tokens, self.number, self.resources = tokens, number, resources

    def fail(self, why: str) -> TextError:
        return TextError(f"line {self.number}: {why}")

    def word(self, what: str) -> str:
        """The next leading word, which must be there."""
        if not self.tokens or self.tokens[0].key:
            raise self.fail(f"{what} is missing")
        return self.tokens.pop(0).text

    def optional(self, kind: type[Any]) -> str | None:
        """The next leading word, unless it is a flag of this record, a span or a key."""
        if not self.tokens:
            return None
        token = self.tokens[0]
        if token.key or (not token.quoted and (token.text.startswith("@") or token.text in _flags(kind))):
            return None
        return self.tokens.pop(0).text

    def at(self) -> Span:
        """The span, which may be left out."""
        token = self.tokens[0] if self.tokens else _Token("", "", True)
        if token.key or token.quoted or not token.text.startswith("@"):
            return span(0)
        return _read_span(self.tokens.pop(0).text, self.number)

    def rest(self, kind: type[Any]) -> dict[str, Any]:
        """Everything left, as keyword arguments for `kind`."""
        types = {field.name: field.type for field in _fields(kind)}
        values: dict[str, Any] = {}
        for key, text, quoted in self.tokens:
            name = _LONG.get(key or text, key or text)
            if name not in types or (not key and (quoted or types[name] != "bool")):
                raise self.fail(f"{key or text!r} is not known of {kind.__name__.lower()}")
            if types[name] == "bool":
                values[name] = text != "no"
            elif types[name].startswith("Span"):
                values[name] = _read_span(text, self.number)
            elif types[name].startswith("tuple["):
                parts = (text,) if quoted else tuple(text.split(","))
                cast = int if types[name].startswith("tuple[int") else str
                values[name] = (*values.get(name, ()), *map(cast, parts))
            elif types[name].startswith("Resource"):
                values[name] = self.resource(text)
            else:
                values[name] = int(text) if types[name] == "int" else text
        return values

    def resource(self, name: str) -> Resource:
        return self.resources.setdefault(name, _undeclared(name))


def _undeclared(name: str) -> Resource:
    return Resource(name, name, (name,), (".close",), "releases")


# Reading


def parse(text: str, resources: Iterable[Resource] = ()) -> Unit:
    """Read a unit. `resources` are known beside those that the text declares. Raises TextError."""
    unit = Unit("text", "text")
    known = {resource.id: resource for resource in resources}
    holder: Function | Container | Registration | Load | None = None
    member: Member | None = None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        head, _, tail = line.partition(" ")
        if head == "function":
            holder = _read_function(tail, number, known)
            unit.functions.append(holder)
        elif isinstance(holder, Function) and head not in _RECORDS:
            _read_body(holder, line, number, known)
        else:
            reader = _Reader(_tokens(tail, number), number, known)
            if head == "resource":
                name, what = reader.word("the id"), reader.optional(Resource)
                values = {"acquire": (name,), "release": (".close",), **reader.rest(Resource)}
                known[name] = Resource(name, what if what is not None else name, **values)
            elif head == "container":
                name, kind, at = reader.word("the name"), reader.word("the kind"), reader.at()
                holder = Container(name, kind, at, **reader.rest(Container))  # type: ignore[arg-type]
                member = None
                unit.containers.append(holder)
            elif head == "registration":
                what, symbol, at = reader.word("what"), reader.word("the symbol"), reader.at()
                values = {"owner": "", "method": "", "statement": at, "call": "", **reader.rest(Registration)}
                holder = Registration(what, symbol, at=at, **values)  # type: ignore[arg-type]
                unit.registrations.append(holder)
            elif head == "loading":
                what, symbol, at = reader.word("what"), reader.word("the symbol"), reader.at()
                values = {"place": "", "statement": at, "call": "", **reader.rest(Load)}
                holder = Load(what, symbol, at=at, **values)  # type: ignore[arg-type]
                unit.loads.append(holder)
            elif head == "safe":
                words = [reader.word("a word") for _ in range(3)]
                unit.safe.append(SafePattern(unit.path, reader.at().line, *words))
            elif head == "evidence" and holder is not None and not isinstance(holder, Function):
                step = Step(reader.at().line, reader.word("the note"))
                holder = _with(unit, holder, "evidence", step)
            elif head == "removal" and isinstance(holder, Registration):
                method, at = reader.word("the method"), reader.at()
                values = {"target": "", "key": "", "handler": "", "teardown": False, **reader.rest(Removal)}
                holder = _with(unit, holder, "removals", Removal(method, at, **values))
            elif head == "method" and isinstance(holder, Container):
                name, at = reader.word("the name"), reader.at()
                holder.methods[name] = at
            elif head == "member" and isinstance(holder, Container):
                member = Member(reader.word("the name"))
                holder.members[member.name] = member
            elif head in _KINDS and member is not None and isinstance(holder, Container):
                method, at = reader.word("the method"), reader.at()
                member.events.append(Event(Kind(head), method, at, **reader.rest(Event)))
            else:
                raise TextError(f"line {number}: {head!r} cannot stand here")
    return unit


def function(text: str, resources: Iterable[Resource] = ()) -> Function:
    """Read a text that holds one function. Raises TextError."""
    functions = parse(text, resources).functions
    if len(functions) != 1:
        raise TextError(f"one function was expected, {len(functions)} are there")
    return functions[0]


def _with(unit: Unit, holder: Any, name: str, item: Any) -> Any:
    """`holder` with one item more in a field; frozen records are replaced in the unit."""
    value: Any = (*getattr(holder, name), item)
    if isinstance(holder, Container):
        holder.evidence = value
        return holder
    values = {field.name: getattr(holder, field.name) for field in _fields(type(holder))} | {name: value}
    new = type(holder)(**values)
    records: list[Any] = unit.registrations if isinstance(holder, Registration) else unit.loads
    records[-1] = new
    return new


def _read_function(text: str, number: int, known: dict[str, Resource]) -> Function:
    match = _FUNCTION.fullmatch(text)
    if match:
        parameters = tuple(part.strip() for part in match[2].split(",") if part.strip())
        reader = _Reader(_tokens(match[3], number), number, known)
        return Function(match[1], parameters, reader.at(), **reader.rest(Function))
    reader = _Reader(_tokens(text, number), number, known)
    symbol, at = reader.word("the symbol"), reader.at()
    return Function(symbol, at=at, **{"parameters": (), **reader.rest(Function)})


def _read_body(holder: Function, line: str, number: int, known: dict[str, Resource]) -> None:
    if match := _BLOCK.fullmatch(line):
        if int(match[1]) != len(holder.blocks):
            raise TextError(f"line {number}: b{len(holder.blocks)} comes next, not b{match[1]}")
        holder.blocks.append(Block())
        line = match[2]
        if not line:
            return
    if not holder.blocks:
        raise TextError(f"line {number}: a block such as 'b0:' comes first")
    block = holder.blocks[-1]
    tokens = _tokens(line, number)
    head = tokens[0].text
    if head in _KINDS:
        block.ops.append(_read_op(Kind(head), _Reader(tokens[1:], number, known)))
        return
    edge: list[_Token] = []
    for token in [*tokens, _Token("", "|", False)]:
        if token.text == "|" and not token.quoted:
            block.edges.append(_read_edge(edge, number))
            edge = []
        else:
            edge.append(token)


def _read_op(kind: Kind, reader: _Reader) -> Op:
    place = reader.word("the place") if kind is not Kind.CALL else reader.optional(Op) or ""
    leading: dict[str, Any] = {}
    if kind in _SECOND and (second := reader.optional(Op)) is not None:
        name = _SECOND[kind]
        leading[name] = reader.resource(second) if name == "resource" else second
    at = reader.at()
    return Op(kind, place, at, **leading, **reader.rest(Op))


def _read_edge(tokens: list[_Token], number: int) -> Edge:
    words = list(tokens)
    kind, target, line, note, place, empty = "normal", EXIT, 0, "", "", None
    if words and words[0].text in ("normal", "error", "loop", "exit") and not words[0].quoted:
        kind = words.pop(0).text
    if kind == "error":
        target = FAIL
    if words and words[0].text == "->":
        name = words[1].text if len(words) > 1 else ""
        target = {"EXIT": EXIT, "FAIL": FAIL}.get(name, int(name[1:]) if re.fullmatch(r"b\d+", name) else -3)
        words = words[2:]
    elif kind in ("normal", "loop"):
        raise TextError(f"line {number}: an edge is '-> b1', 'loop -> b1', 'error' or 'exit'")
    if target < FAIL:
        raise TextError(f"line {number}: a target is b0, b1, ..., EXIT or FAIL")
    if words and words[0].text.startswith("@") and not (words[0].quoted or words[0].key):
        line = _read_span(words.pop(0).text, number).line
    if words and words[0].quoted and not words[0].key:
        note = words.pop(0).text
    if words and words[0] == _Token("", "if", False):
        empty = len(words) > 2 and words[1] == _Token("", "not", False)
        place = words[2 if empty else 1].text if len(words) > 1 else ""
        words = words[3 if empty else 2 :]
    spans = {word.key: _read_span(word.text, number) for word in words if word.key in ("at", "passes")}
    if len(spans) < len(words):
        raise TextError(f"line {number}: {words[0].text!r} is left over in an edge")
    return Edge(kind, target, line, note, place, empty, **spans)  # type: ignore[arg-type]


# Writing


def write(unit: Unit) -> str:
    """The text of a unit; `parse` of it gives the same functions, containers, registrations and loads."""
    lines = [*_declarations(unit)]
    for item in unit.functions:
        lines.extend(_write_function(item))
    for container in unit.containers:
        lines.extend(_write_container(container))
    for registration in unit.registrations:
        lines.append(_line("registration", registration, ("what", "symbol", "at", "removals", "evidence")))
        for removal in registration.removals:
            lines.append("  " + _line("removal", removal, ("method", "at")))
        lines.extend(_evidence(registration.evidence))
    for load in unit.loads:
        lines.append(_line("loading", load, ("what", "symbol", "at", "evidence")))
        lines.extend(_evidence(load.evidence))
    for safe in unit.safe:
        words = " ".join(json.dumps(word) for word in (safe.symbol, safe.pattern, safe.reason))
        lines.append(f"safe {words} @{safe.line}")
    return "\n".join(lines) + "\n"


def write_function(item: Function) -> str:
    """The text of one function, without the declarations of its resources."""
    return "\n".join(_write_function(item)) + "\n"


def _line(head: str, record: Any, leading: Sequence[str]) -> str:
    """A record as its head, its leading words, its span, and the rest."""
    words = [_word(getattr(record, name)) for name in leading if isinstance(getattr(record, name), str)]
    return " ".join([head, *words, _write_span(record.at), *_attributes(record, leading)])


def _evidence(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        yield f"  evidence @{step.line} {json.dumps(step.note)}"


def _declarations(unit: Unit) -> Iterator[str]:
    used: dict[str, Resource] = {}
    for item in unit.functions:
        for block in item.blocks:
            used |= {op.resource.id: op.resource for op in block.ops if op.resource}
    for container in unit.containers:
        for member in container.members.values():
            used |= {event.resource.id: event.resource for event in member.events if event.resource}
    for name, resource in sorted(used.items()):
        if resource != _undeclared(name):
            words = [_word(name), json.dumps(resource.what)]
            yield " ".join(["resource", *words, *_attributes(resource, ("id", "what"))])


def _write_function(item: Function) -> Iterator[str]:
    leading = ["symbol", "parameters", "at", "blocks"]
    plain = all(re.fullmatch(r"[^\s\",()|=@]+", name) for name in item.parameters)
    if plain and re.fullmatch(r'[^\s"(]+', item.symbol):
        head = f"function {item.symbol}({', '.join(item.parameters)})"
    else:
        head = " ".join(["function", json.dumps(item.symbol)])
        leading.remove("parameters")
    yield " ".join([head, _write_span(item.at), *_attributes(item, leading)])
    for index, block in enumerate(item.blocks):
        label = f"  b{index}: "
        for op in block.ops:
            yield label + _write_op(op)
            label = " " * len(label)
        if block.edges:
            yield label + " | ".join(_write_edge(edge) for edge in block.edges)
        elif not block.ops:
            yield label.rstrip()


def _write_op(op: Op) -> str:
    flags = _flags(Op)
    words = [op.kind.value]
    leading = ["kind", "place", "at"]
    if op.kind is not Kind.CALL or op.place:
        words.append(_word(op.place, flags))
    if name := _SECOND.get(op.kind):
        leading.append(name)
        value = getattr(op, name)
        if value:
            words.append(_word(value.id if isinstance(value, Resource) else value, flags))
    return " ".join([*words, _write_span(op.at), *_attributes(op, leading)])


def _write_edge(edge: Edge) -> str:
    words: list[str] = [] if edge.kind == "normal" else [edge.kind]
    leaves = {"exit": EXIT, "error": FAIL}.get(edge.kind)
    if edge.target != leaves:
        words += ["->", {EXIT: "EXIT", FAIL: "FAIL"}.get(edge.target, f"b{edge.target}")]
    if edge.line:
        words.append(f"@{edge.line}")
    if edge.note:
        words.append(json.dumps(edge.note))
    if edge.empty is not None:
        words += ["if", "not", _word(edge.place)] if edge.empty else ["if", _word(edge.place, ("not",))]
    words += [f"{key}={_write_span(at)}" for key, at in (("at", edge.at), ("passes", edge.passes)) if at]
    return " ".join(words)


def _write_container(container: Container) -> Iterator[str]:
    yield _line("container", container, ("name", "kind", "at", "members", "methods", "evidence"))
    yield from _evidence(container.evidence)
    for name, at in container.methods.items():
        yield f"  method {_word(name)} {_write_span(at)}"
    for member in container.members.values():
        yield f"  member {_word(member.name)}"
        for event in member.events:
            words = [event.kind.value, _word(event.method), _write_span(event.at)]
            yield "    " + " ".join([*words, *_attributes(event, ("kind", "method", "at"))])
