"""The syntax of one function, freed from the grammar's oddities: a few kinds of nodes with their parts in order.

tree-sitter-zig reads an assignment as a declaration without a keyword, `!x` as an error union, a labelled block as
a type. All that is settled here, once; the lowering sees the language as its reference describes it. What is not
needed (types, nested containers) stays opaque.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tree_sitter import Node

MOST_DEEP: Final = 120


class TooDeep(Exception):
    """Nested deeper than is followed."""


class N:
    """One node. `kind` tells what `text`, `label`, `names` and `parts` hold (see the functions below).

    name: `text`. literal, null, undefined, unreachable, opaque: nothing. error: `text`. enum: `text` (`.x`).
    field: parts (object), `text` the member. deref, unwrap (`.?`), try: their operand. index: object, index; range:
    object and bounds. call: callee, arguments...; builtin: `text`, arguments... catch: value, handler, `names`.
    orelse: value, other. binary: left, right, `text`. unary: operand, `text`. if: condition, then, else (or None),
    `names` and `other` for the two captures. switch: subject, cases; case: body, `names`.
    block: `label` (see Block). while: condition, step (or None), body, else (or None). for: inputs..., body, else.
    statement: its expression. return, break, continue: value (or None). decl: value (or None), `names`, `text` the
    type, `label` its keyword. assign: target, value, `text` the operator. defer, errdefer: body. struct: members;
    member: value, `text`. `payload` is where a capture stands.
    """

    __slots__ = ("end", "kind", "label", "names", "other", "parts", "payload", "start", "text")

    def __init__(
        self,
        kind: str,
        start: int,
        end: int,
        parts: tuple[N | None, ...] = (),
        text: str = "",
        names: tuple[str, ...] = (),
        label: str = "",
        other: tuple[str, ...] = (),
        payload: tuple[int, int] | None = None,
    ) -> None:
        self.kind, self.start, self.end, self.parts, self.text = kind, start, end, parts, text
        self.names, self.label, self.other, self.payload = names, label, other, payload

    @property
    def first(self) -> N:
        """The first part, which every node of its kind has."""
        part = self.parts[0]
        assert part is not None
        return part

    def all(self) -> list[N]:
        """The parts that are there."""
        return [part for part in self.parts if part is not None]


class Block(N):
    """A block. Its `statements` are read one by one, when they are asked for."""

    __slots__ = ("_depth", "_known", "statements")

    def __init__(self, node: Node, depth: int) -> None:
        super().__init__("block", node.start_byte, node.end_byte)
        self.statements = [child for child in _named(node) if child.type != "ERROR"]
        self._depth = depth
        self._known: dict[int, N] = {}

    def read(self, statement: Node) -> N:
        """One of the statements. Raises TooDeep."""
        key = statement.start_byte
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _Reader(self._depth).read(statement)
        return found

    def all(self) -> list[N]:
        """Every statement."""
        return [self.read(statement) for statement in self.statements]


Convert = Callable[["_Reader", Node], N]


def read(node: Node) -> N:
    """A body or an expression. Raises TooDeep."""
    return _Reader().read(node)


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


_OPERATOR_KINDS: Final = frozenset({"binary_expression", "assignment_expression"})


class _Reader:
    def __init__(self, depth: int = 0) -> None:
        self.depth = depth

    def read(self, node: Node) -> N:
        handler = _HANDLERS.get(node.type)
        if handler is None:
            return N("opaque", node.start_byte, node.end_byte, text=node.type)
        self.depth += 1
        if self.depth > MOST_DEEP:
            raise TooDeep
        try:
            return handler(self, node)
        finally:
            self.depth -= 1

    def maybe(self, node: Node | None) -> N | None:
        return self.read(node) if node is not None else None

    def all(self, nodes: list[Node]) -> tuple[N, ...]:
        return tuple(self.read(node) for node in nodes if node.type not in ("comment", "ERROR"))


def _make(kind: str) -> Convert:
    def convert(reader: _Reader, node: Node) -> N:
        return N(kind, node.start_byte, node.end_byte)

    return convert


def _named(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def _name(_: _Reader, node: Node) -> N:
    return N("name", node.start_byte, node.end_byte, text=_text(node))


def _wrap(kind: str, operator: str = "") -> Convert:
    """A node around one expression: its last named child (or keyword operand)."""

    def convert(reader: _Reader, node: Node) -> N:
        operand = _operand(node)
        return N(kind, node.start_byte, node.end_byte, (reader.maybe(operand),), operator)

    return convert


_SIGNS: Final = frozenset(
    {"(", ")", "try", "!", ".*", ".?", ";", "comptime", "nosuspend", "await", "async", "resume"}
)


def _operand(node: Node) -> Node | None:
    found = [child for child in node.children if child.type not in _SIGNS and child.type != "comment"]
    return found[-1] if found else None


def _through(reader: _Reader, node: Node) -> N:
    """What stands for its only part: parentheses, statements, `comptime`."""
    operand = _operand(node)
    return reader.read(operand) if operand is not None else N("opaque", node.start_byte, node.end_byte)


def _field(reader: _Reader, node: Node) -> N:
    children = node.children
    member = _text(children[-1])
    if children[0].type == ".":
        return N("enum", node.start_byte, node.end_byte, text=member)
    return N("field", node.start_byte, node.end_byte, (reader.read(children[0]),), member)


def _call(reader: _Reader, node: Node) -> N:
    children = [child for child in node.children if child.type not in ("(", ")", ",", "comment")]
    return N("call", node.start_byte, node.end_byte, reader.all(children))


def _builtin(reader: _Reader, node: Node) -> N:
    name, listing = _text(node.children[0]), node.children[-1]
    arguments = [child for child in listing.children if child.type not in ("(", ")", ",", "comment")]
    return N("builtin", node.start_byte, node.end_byte, reader.all(arguments), name)


def _index(reader: _Reader, node: Node) -> N:
    children = [child for child in node.children if child.type not in ("[", "]", "comment", ":")]
    ranged = any(".." in _text(child) for child in children[1:] if child.type != "string")
    return N("range" if ranged else "index", node.start_byte, node.end_byte, reader.all(children))


def _binary(reader: _Reader, node: Node) -> N:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator = _text(node.child_by_field_name("operator"))
    if left is None or right is None:
        return N("opaque", node.start_byte, node.end_byte)
    kind = {"orelse": "orelse", "catch": "catch"}.get(operator, "binary")
    if node.type == "assignment_expression":
        kind = "assign"
    return N(kind, node.start_byte, node.end_byte, (reader.read(left), reader.read(right)), operator)


def _catch(reader: _Reader, node: Node) -> N:
    children = [child for child in node.children if child.type not in ("catch", "comment")]
    names, rest = _payload(children)
    if len(rest) < 2:
        return N("opaque", node.start_byte, node.end_byte)
    value, handler = reader.read(rest[0]), reader.read(rest[-1])
    if value.kind == "try":  # the grammar lets `try` reach over `catch`; see _try
        value = value.first
    return N("catch", node.start_byte, node.end_byte, (value, handler), names=names)


def _try(reader: _Reader, node: Node) -> N:
    operand = _operand(node)
    inner = reader.read(operand) if operand is not None else N("opaque", node.start_byte, node.end_byte)
    if (
        inner.kind in ("orelse", "binary", "catch")
        and operand is not None
        and operand.type != "parenthesized_expression"
    ):
        # `try a() orelse b` is `(try a()) orelse b`.
        left = N("try", node.start_byte, inner.first.end, (inner.first,))
        return N(inner.kind, node.start_byte, inner.end, (left, *inner.parts[1:]), inner.text, inner.names)
    return N("try", node.start_byte, node.end_byte, (inner,))


def _payload(children: list[Node]) -> tuple[tuple[str, ...], list[Node]]:
    """The captured names of the first payload, and the children without payloads."""
    names: tuple[str, ...] = ()
    for child in children:
        if child.type == "payload":
            names = _captured(child)
            break
    return names, [child for child in children if child.type != "payload"]


def _captured(payload: Node) -> tuple[str, ...]:
    return tuple(_text(child) for child in payload.named_children if child.type == "identifier")


def _unary(reader: _Reader, node: Node) -> N:
    operator = _text(node.children[0])
    return N("unary", node.start_byte, node.end_byte, (reader.maybe(_operand(node)),), operator)


def _not(reader: _Reader, node: Node) -> N:
    """`!x`, which the grammar takes for an error union."""
    if node.children[0].type != "!":
        return N("opaque", node.start_byte, node.end_byte)
    return N("unary", node.start_byte, node.end_byte, (reader.maybe(_operand(node)),), "!")


def _if(reader: _Reader, node: Node) -> N:
    condition: Node | None = None
    then: Node | None = None
    otherwise: Node | None = None
    names: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    at: tuple[int, int] | None = None
    stage = 0
    for child in node.children:
        kind = child.type
        if kind in ("if", "(", ")", "comment", ";"):
            continue
        if kind == "else":
            stage = 2
        elif kind == "else_clause":
            for part in child.children:
                if part.type == "payload":
                    other = _captured(part)
                elif part.type not in ("else", "comment"):
                    otherwise = part
        elif kind == "payload":
            if stage == 2:
                other = _captured(child)
            else:
                names, at = _captured(child), (child.start_byte, child.end_byte)
        elif stage == 0:
            condition, stage = child, 1
        elif stage == 1:
            then = child
        else:
            otherwise = child
    parts = (reader.maybe(condition), reader.maybe(then), reader.maybe(otherwise))
    return N("if", node.start_byte, node.end_byte, parts, names=names, other=other, payload=at)


def _switch(reader: _Reader, node: Node) -> N:
    children = _named(node)
    subject = next((child for child in children if child.type != "switch_case"), None)
    cases = [_case(reader, child) for child in children if child.type == "switch_case"]
    return N("switch", node.start_byte, node.end_byte, (reader.maybe(subject), *cases))


def _case(reader: _Reader, node: Node) -> N:
    body: Node | None = None
    names: tuple[str, ...] = ()
    at: tuple[int, int] | None = None
    arrow = False
    for child in node.children:
        kind = child.type
        if kind in (",", "comment", "inline"):
            continue
        if kind == "=>":
            arrow = True
        elif kind == "payload":
            names, at = _captured(child), (child.start_byte, child.end_byte)
        elif arrow:
            body = child
    return N("case", node.start_byte, node.end_byte, (reader.maybe(body),), "", names, payload=at)


def _labelled(reader: _Reader, node: Node) -> N:
    """`blk: {}` and `outer: for (...)`: the label goes to what it names."""
    inner = node.children[-1]
    label = ""
    for child in node.children:
        if child.type == "block_label":
            label = _text(child.named_children[0]) if child.named_children else ""
        elif child.type not in ("comment", ";"):
            inner = child
    found = reader.read(inner)
    found.label = label or found.label
    return found


def _block(reader: _Reader, node: Node) -> N:
    if node.type == "block_expression" and node.named_child_count:
        return _labelled(reader, node)
    return Block(node, reader.depth)


def _while(reader: _Reader, node: Node) -> N:
    condition = step = body = otherwise = None
    names: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    at: tuple[int, int] | None = None
    label = ""
    seen_colon = False
    for child in node.children:
        kind = child.type
        if kind == "block_label":
            label = _text(child.named_children[0]) if child.named_children else ""
        elif kind == ":":
            seen_colon = True
        elif kind == "payload":
            names, at = _captured(child), (child.start_byte, child.end_byte)
        elif kind == "else_clause":
            for part in child.children:
                if part.type == "payload":
                    other = _captured(part)
                elif part.type not in ("else", "comment"):
                    otherwise = part
        elif child.is_named and kind != "comment":
            if condition is None:
                condition = child
            elif seen_colon and step is None:
                step = child
            else:
                body = child
    parts = (reader.maybe(condition), reader.maybe(step), reader.maybe(body), reader.maybe(otherwise))
    return N(
        "while", node.start_byte, node.end_byte, parts, names=names, other=other, label=label, payload=at
    )


def _for(reader: _Reader, node: Node) -> N:
    inputs: list[Node] = []
    body = otherwise = None
    names: tuple[str, ...] = ()
    at: tuple[int, int] | None = None
    inside = True
    for child in node.children:
        kind = child.type
        if kind == "payload":
            names, at, inside = _captured(child), (child.start_byte, child.end_byte), False
        elif kind == ")":
            inside = False
        elif kind == "else_clause":
            otherwise = next(
                (part for part in reversed(child.children) if part.type not in ("else", "comment")), None
            )
        elif child.is_named and kind not in ("comment", "block_label"):
            if inside:
                inputs.append(child)
            else:
                body = child
    parts = (*reader.all(inputs), reader.maybe(body), reader.maybe(otherwise))
    return N("for", node.start_byte, node.end_byte, parts, names=names, payload=at)


def _jump(kind: str) -> Convert:
    def convert(reader: _Reader, node: Node) -> N:
        label = ""
        value: Node | None = None
        for child in node.children:
            if child.type == "break_label":
                label = _text(child.named_children[0]) if child.named_children else ""
            elif child.type not in (kind, "comment"):
                value = child
        return N(kind, node.start_byte, node.end_byte, (reader.maybe(value),), label=label)

    return convert


def _declaration(reader: _Reader, node: Node) -> N:
    """`const a: T = v;`, `const a, const b = v;`, and `a = v;`."""
    children = [child for child in node.children if child.type != "comment"]
    cut = next(
        (index for index, child in enumerate(children) if child.type.endswith("=") and not child.is_named),
        None,
    )
    left = children[:cut] if cut is not None else children
    right = children[cut + 1] if cut is not None and cut + 1 < len(children) else None
    keyword = any(child.type in ("const", "var") for child in left)
    if not keyword:
        if cut is None or right is None or not left:
            return N("opaque", node.start_byte, node.end_byte)
        operator = children[cut].type
        parts = (reader.read(left[0]), reader.read(right))
        return N("assign", node.start_byte, node.end_byte, parts, operator)
    names: list[str] = []
    typed = ""
    colon = False
    for child in left:
        if child.type == ":":
            colon = True
        elif child.type == "identifier" and not colon:
            names.append(_text(child))
        elif colon and child.is_named and not typed:
            typed = _text(child)
    label = "var" if any(child.type == "var" for child in left) else "const"
    return N("decl", node.start_byte, node.end_byte, (reader.maybe(right),), typed, tuple(names), label)


def _deferred(kind: str) -> Convert:
    def convert(reader: _Reader, node: Node) -> N:
        body = next(
            (child for child in reversed(node.children) if child.is_named and child.type != "comment"), None
        )
        return N(kind, node.start_byte, node.end_byte, (reader.maybe(body),))

    return convert


def _struct(reader: _Reader, node: Node) -> N:
    listing = next((child for child in node.children if child.type == "initializer_list"), None)
    typed = node.children[0] if node.type == "struct_initializer" else None
    members: list[N] = []
    for child in _named(listing) if listing is not None else ():
        if child.type == "assignment_expression":
            left, right = child.child_by_field_name("left"), child.child_by_field_name("right")
            if left is not None and right is not None:
                name = _text(left).lstrip(".")
                members.append(N("member", child.start_byte, child.end_byte, (reader.read(right),), name))
        else:
            members.append(N("member", child.start_byte, child.end_byte, (reader.read(child),)))
    return N("struct", node.start_byte, node.end_byte, tuple(members), _text(typed))


def _error(_: _Reader, node: Node) -> N:
    return N("error", node.start_byte, node.end_byte, text=_text(node))


_HANDLERS: Final[dict[str, Convert]] = {
    "identifier": _name,
    "integer": _make("literal"),
    "float": _make("literal"),
    "string": _make("literal"),
    "multiline_string": _make("literal"),
    "character": _make("literal"),
    "boolean": lambda _, node: N("boolean", node.start_byte, node.end_byte, text=_text(node)),
    "null": _make("null"),
    "undefined": _make("undefined"),
    "unreachable": _make("unreachable"),
    "error_type": _error,
    "field_expression": _field,
    "dereference_expression": _wrap("deref"),
    "null_coercion_expression": _wrap("unwrap"),
    "try_expression": _try,
    "catch_expression": _catch,
    "call_expression": _call,
    "builtin_function": _builtin,
    "index_expression": _index,
    "range_expression": _make("literal"),
    "binary_expression": _binary,
    "assignment_expression": _binary,
    "unary_expression": _unary,
    "error_union_type": _not,
    "parenthesized_expression": _through,
    "expression_statement": _wrap("statement"),
    "comptime_statement": _through,
    "comptime_expression": _through,
    "nosuspend_statement": _through,
    "nosuspend_expression": _through,
    "await_expression": _through,
    "async_expression": _through,
    "if_expression": _if,
    "if_statement": _if,
    "switch_expression": _switch,
    "labeled_type_expression": _labelled,
    "labeled_statement": _labelled,
    "block": _block,
    "block_expression": _block,
    "while_statement": _while,
    "while_expression": _while,
    "for_statement": _for,
    "for_expression": _for,
    "return_expression": _jump("return"),
    "break_expression": _jump("break"),
    "continue_expression": _jump("continue"),
    "variable_declaration": _declaration,
    "defer_statement": _deferred("defer"),
    "errdefer_statement": _deferred("errdefer"),
    "struct_initializer": _struct,
    "anonymous_struct_initializer": _struct,
}
