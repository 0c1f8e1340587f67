"""The syntax of one function as plain nodes: read once from the parser's tree, which is slow to ask.

Macros are opaque, but for `select!`, whose arms are read, and those whose arguments are plain expressions (`vec!`,
`join!`). Types, attributes and items inside of bodies are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from tree_sitter import Language, Node, Parser

from repairbot.languages.grammar import binding
from repairbot.languages.rust.scanning import at_top, blanked, close, equals

LANGUAGE: Final = Language(binding("tree_sitter_rust").language())
MOST_DEEP: Final = 150


class TooDeep(Exception):
    """Nested deeper than is followed."""


class N:
    """One node. `kind` tells what the others hold.

    name (also `self`), path (`a::b`), literal, opaque: `text`. field: object, `text` the member. await, try, deref,
    unary, ref, cast: operand (`text`: the operator, "mut", the type). index: object, index. range: bounds.
    call: callee, arguments... (a method's callee is a field); macro: `text` its name, arguments where they are read.
    select: arms, each with `names`, `text` the pattern and the parts future, condition (or None), body.
    closure: body, `names` the parameters, `text` "move" or ""; async: body, `text` likewise.
    block: statements, `label`, `text` "unsafe" or "". statement: expression whose value is dropped.
    let: value (or None), else-block (or None), `names`, `text` the pattern, `label` the type.
    if: condition, then, else (or None). test: value, `names`, `text` the pattern (`let P = value` in a condition).
    match: subject, arms; arm: guard (or None), body, `names`, `text` the pattern. loop: body; while: condition, body;
    for: value, body, `names`, `text` the pattern; all with `label`. return, break: value (or None); continue.
    assign: target, value, `text` the operator. binary: left, right, `text`.
    struct: members, `text` the type; member: value, `text` the name ("..": the base). list: tuple or array.
    """

    __slots__ = ("end", "kind", "label", "names", "parts", "start", "text")

    def __init__(
        self,
        kind: str,
        start: int,
        end: int,
        parts: tuple[N | None, ...] = (),
        text: str = "",
        names: tuple[str, ...] = (),
        label: str = "",
    ) -> None:
        self.kind, self.start, self.end, self.parts = kind, start, end, parts
        self.text, self.names, self.label = text, names, label

    @property
    def first(self) -> N:
        """The first part, which every node of its kind has."""
        part = self.parts[0]
        assert part is not None
        return part

    def all(self) -> list[N]:
        """The parts that are there."""
        return [part for part in self.parts if part is not None]

    def walk(self) -> Iterator[N]:
        """This node and all in it, in the order of the source."""
        waiting: list[N] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(part for part in reversed(node.parts) if part is not None)


Convert = Callable[["_Reader", Node], N]


def read(node: Node) -> N:
    """A body or an expression. Raises TooDeep."""
    return _Reader(0).read(node)


def parse(source: bytes) -> Node:
    """The root of a parsed source."""
    return Parser(LANGUAGE).parse(source).root_node


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


_BINDING: Final = re.compile(r"(?<![:\w.'])(?:ref\s+|mut\s+)*([a-z_]\w*)(?!\s*(?:::|[({!]|:(?!:)|\w))")
_WORDS: Final = frozenset({"ref", "mut", "box", "true", "false", "if", "_", "const"})


def bound(pattern: str) -> tuple[str, ...]:
    """The names that a pattern binds, in order."""
    if re.fullmatch(r"[a-z_]\w*", pattern):
        return (pattern,) if pattern not in _WORDS else ()
    return tuple(dict.fromkeys(name for name in _BINDING.findall(pattern) if name not in _WORDS))


_LEFT_OUT: Final = frozenset(
    {"line_comment", "block_comment", "attribute_item", "inner_attribute_item", "ERROR", "empty_statement"}
)
_ITEMS: Final = frozenset(
    {
        "function_item",
        "use_declaration",
        "struct_item",
        "enum_item",
        "impl_item",
        "const_item",
        "static_item",
        "macro_definition",
        "trait_item",
        "type_item",
        "mod_item",
    }
)


class _Reader:
    """Reads nodes; `shift` is where the parsed text stands in the file."""

    def __init__(self, shift: int, depth: int = 0) -> None:
        self.shift, self.depth = shift, depth

    def make(
        self,
        kind: str,
        node: Node,
        parts: tuple[N | None, ...] = (),
        text: str = "",
        names: tuple[str, ...] = (),
        label: str = "",
    ) -> N:
        return N(kind, node.start_byte + self.shift, node.end_byte + self.shift, parts, text, names, label)

    def read(self, node: Node) -> N:
        handler = _HANDLERS.get(node.type)
        if handler is None:
            return self.make("opaque", node, text=node.type)
        self.depth += 1
        if self.depth > MOST_DEEP:
            raise TooDeep
        try:
            return handler(self, node)
        finally:
            self.depth -= 1

    def maybe(self, node: Node | None) -> N | None:
        return self.read(node) if node is not None else None

    def all(self, node: Node) -> tuple[N, ...]:
        return tuple(self.read(child) for child in node.named_children if child.type not in _LEFT_OUT)


def _leaf(kind: str) -> Convert:
    def convert(reader: _Reader, node: Node) -> N:
        return reader.make(kind, node, text=_text(node))

    return convert


def _literal(reader: _Reader, node: Node) -> N:
    return reader.make("literal", node, text=_text(node) if node.end_byte - node.start_byte < 80 else "")


def _all(kind: str) -> Convert:
    def convert(reader: _Reader, node: Node) -> N:
        return reader.make(kind, node, reader.all(node))

    return convert


def _through(reader: _Reader, node: Node) -> N:
    parts = reader.all(node)
    return parts[-1] if parts else reader.make("opaque", node)


def _field(reader: _Reader, node: Node) -> N:
    value = node.child_by_field_name("value")
    return reader.make("field", node, (reader.maybe(value),), _text(node.child_by_field_name("field")))


def _call(reader: _Reader, node: Node) -> N:
    callee = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    parts = (reader.maybe(callee), *(reader.all(arguments) if arguments is not None else ()))
    return reader.make("call", node, parts)


def _generic(reader: _Reader, node: Node) -> N:
    """`f::<T>`: the function; the types are left out, but stand in the text of a path."""
    callee = node.child_by_field_name("function")
    return reader.read(callee) if callee is not None else reader.make("opaque", node)


def _statement(reader: _Reader, node: Node) -> N:
    parts = reader.all(node)
    if not parts:
        return reader.make("opaque", node)
    dropped = (node.text or b"").endswith(b";")
    return reader.make("statement", node, parts[:1]) if dropped else parts[0]


def _let(reader: _Reader, node: Node) -> N:
    pattern = _text(node.child_by_field_name("pattern"))
    value = node.child_by_field_name("value")
    other = node.child_by_field_name("alternative")
    typed = _text(node.child_by_field_name("type"))
    return reader.make(
        "let", node, (reader.maybe(value), reader.maybe(other)), pattern, bound(pattern), typed
    )


def _test(reader: _Reader, node: Node) -> N:
    pattern = _text(node.child_by_field_name("pattern"))
    value = node.child_by_field_name("value")
    return reader.make("test", node, (reader.maybe(value),), pattern, bound(pattern))


def _chain(reader: _Reader, node: Node) -> N:
    parts = reader.all(node)
    found = parts[0]
    for part in parts[1:]:
        found = N("binary", found.start, part.end, (found, part), "&&")
    return found


def _if(reader: _Reader, node: Node) -> N:
    other = node.child_by_field_name("alternative")
    inner = next((child for child in reversed(other.named_children)), None) if other is not None else None
    parts = (
        reader.maybe(node.child_by_field_name("condition")),
        reader.maybe(node.child_by_field_name("consequence")),
        reader.maybe(inner),
    )
    return reader.make("if", node, parts)


def _match(reader: _Reader, node: Node) -> N:
    body = node.child_by_field_name("body")
    arms = tuple(
        _arm(reader, child)
        for child in (body.named_children if body is not None else ())
        if child.type == "match_arm"
    )
    return reader.make("match", node, (reader.maybe(node.child_by_field_name("value")), *arms))


def _arm(reader: _Reader, node: Node) -> N:
    pattern = node.child_by_field_name("pattern")
    guard = pattern.child_by_field_name("condition") if pattern is not None else None
    shown = _text(pattern)
    if guard is not None and pattern is not None:
        ahead = (pattern.text or b"")[: guard.start_byte - pattern.start_byte].decode("utf-8", "replace")
        shown = ahead.rstrip().removesuffix("if").rstrip()
    parts = (reader.maybe(guard), reader.maybe(node.child_by_field_name("value")))
    return reader.make("arm", node, parts, shown, bound(shown))


def _label(node: Node) -> str:
    first = node.children[0] if node.children else None
    return _text(first).lstrip("'").rstrip(":") if first is not None and first.type == "label" else ""


def _loop(reader: _Reader, node: Node) -> N:
    return reader.make("loop", node, (reader.maybe(node.child_by_field_name("body")),), label=_label(node))


def _while(reader: _Reader, node: Node) -> N:
    parts = (
        reader.maybe(node.child_by_field_name("condition")),
        reader.maybe(node.child_by_field_name("body")),
    )
    return reader.make("while", node, parts, label=_label(node))


def _for(reader: _Reader, node: Node) -> N:
    pattern = _text(node.child_by_field_name("pattern"))
    parts = (reader.maybe(node.child_by_field_name("value")), reader.maybe(node.child_by_field_name("body")))
    return reader.make("for", node, parts, pattern, bound(pattern), _label(node))


def _jump(kind: str) -> Convert:
    def convert(reader: _Reader, node: Node) -> N:
        label, value = "", None
        for child in node.named_children:
            if child.type == "label":
                label = _text(child).lstrip("'")
            elif child.type not in _LEFT_OUT:
                value = child
        return reader.make(kind, node, (reader.maybe(value),), label=label)

    return convert


def _assign(reader: _Reader, node: Node) -> N:
    operator = node.child_by_field_name("operator")
    parts = (reader.maybe(node.child_by_field_name("left")), reader.maybe(node.child_by_field_name("right")))
    return reader.make("assign", node, parts, _text(operator) if operator is not None else "=")


def _binary(reader: _Reader, node: Node) -> N:
    parts = (reader.maybe(node.child_by_field_name("left")), reader.maybe(node.child_by_field_name("right")))
    return reader.make("binary", node, parts, _text(node.child_by_field_name("operator")))


def _unary(reader: _Reader, node: Node) -> N:
    sign = _text(node.children[0])
    return reader.make("deref" if sign == "*" else "unary", node, reader.all(node)[-1:], sign)


def _ref(reader: _Reader, node: Node) -> N:
    value = node.child_by_field_name("value")
    mutable = any(child.type == "mutable_specifier" for child in node.children)
    return reader.make("ref", node, (reader.maybe(value),), "mut" if mutable else "")


def _cast(reader: _Reader, node: Node) -> N:
    value, typed = node.child_by_field_name("value"), node.child_by_field_name("type")
    return reader.make("cast", node, (reader.maybe(value),), _text(typed))


def _closure(reader: _Reader, node: Node) -> N:
    parameters = node.child_by_field_name("parameters")
    names: list[str] = []
    for child in parameters.named_children if parameters is not None else ():
        pattern = child.child_by_field_name("pattern") if child.type == "parameter" else child
        names.extend(bound(_text(pattern)) or ("_",))
    moves = any(child.type == "move" for child in node.children)
    body = reader.maybe(node.child_by_field_name("body"))
    if body is not None and any(child.type == "async" for child in node.children):
        body = N("async", body.start, body.end, (body,), "move" if moves else "")
    return reader.make("closure", node, (body,), "move" if moves else "", tuple(names))


def _async(reader: _Reader, node: Node) -> N:
    body = next((child for child in reversed(node.children) if child.type == "block"), None)
    moves = any(child.type == "move" for child in node.children)
    return reader.make("async", node, (reader.maybe(body),), "move" if moves else "")


def _block(reader: _Reader, node: Node) -> N:
    children = [
        child for child in node.named_children if child.type not in _LEFT_OUT and child.type not in _ITEMS
    ]
    if node.type != "block":
        inner = next((child for child in reversed(children) if child.type == "block"), None)
        found = _block(reader, inner) if inner is not None else reader.make("opaque", node)
        found.text = "unsafe" if node.type == "unsafe_block" else ""
        return found
    parts = tuple(reader.read(child) for child in children if child.type != "label")
    return reader.make("block", node, parts, label=_label(node))


def _struct(reader: _Reader, node: Node) -> N:
    members: list[N] = []
    body = node.child_by_field_name("body")
    for child in body.named_children if body is not None else ():
        if child.type == "field_initializer":
            value = child.child_by_field_name("value")
            name = _text(child.child_by_field_name("field"))
            members.append(reader.make("member", child, (reader.maybe(value),), name))
        elif child.type == "shorthand_field_initializer":
            name = _text(child.named_children[-1])
            members.append(reader.make("member", child, (reader.make("name", child, text=name),), name))
        elif child.type == "base_field_initializer":
            members.append(reader.make("member", child, reader.all(child)[:1], ".."))
    return reader.make("struct", node, tuple(members), _text(node.child_by_field_name("name")))


_PLAIN: Final = frozenset({"vec", "join", "try_join", "smallvec", "matches", "pin", "dbg"})


def _macro(reader: _Reader, node: Node) -> N:
    name = _text(node.child_by_field_name("macro")).rpartition("::")[2]
    tokens = next((child for child in node.named_children if child.type == "token_tree"), None)
    if tokens is None or tokens.text is None:
        return reader.make("macro", node, text=name)
    start, text = tokens.start_byte + reader.shift, tokens.text
    if name in ("select", "select_biased"):
        return reader.make("select", node, tuple(_arms(reader, text, start)))
    if name in _PLAIN:
        ahead = b"fn f(){g("
        inner = text[1:-1].replace(b";", b",", 1) if name == "vec" else text[1:-1]
        call = _parsed(ahead + inner + b")}", "call_expression")
        if call is not None:
            found = _Reader(start + 1 - len(ahead), reader.depth).read(call)
            return reader.make("macro", node, found.parts[1:], name)
    return reader.make("macro", node, text=name)


def _parsed(source: bytes, kind: str) -> Node | None:
    """The one expression of a small function, where it parses."""
    root = parse(source)
    if root.has_error:
        return None
    function = root.named_children[0] if root.named_children else None
    body = function.child_by_field_name("body") if function is not None else None
    found = body.named_children[0] if body is not None and body.named_children else None
    while found is not None and found.type == "expression_statement" and found.named_children:
        found = found.named_children[0]
    return found if found is not None and found.type == kind else None


def _arms(reader: _Reader, text: bytes, start: int) -> Iterator[N]:
    """The arms of `select!`: `pattern = future, if condition => body`."""
    plain = blanked(text)
    position, end = 1, len(text) - 1
    head = re.compile(rb"\s*(?:biased\s*;)?\s*").match(plain, position)
    position = head.end() if head else position
    while position < end:
        arrow = at_top(plain, position, end, b"=>")
        if arrow < 0:
            return
        opening = re.compile(rb"\s*").match(plain, arrow + 2)
        body = opening.end() if opening else arrow + 2
        if plain[body : body + 1] == b"{":
            after = close(plain, body) + 1
        else:
            comma = at_top(plain, body, end, b",")
            after = comma if comma >= 0 else end
        yield _select_arm(reader, text, plain, start, (position, arrow, body, after))
        skip = re.compile(rb"[\s,]*").match(plain, after)
        position = skip.end() if skip else after


def _select_arm(reader: _Reader, text: bytes, plain: bytes, start: int, at: tuple[int, int, int, int]) -> N:
    begin, arrow, body, after = at
    sign = equals(plain, begin, arrow)
    condition = re.compile(rb",\s*if\b").search(plain, max(sign, begin), arrow)
    future_end = condition.start() if condition else arrow
    pattern = text[begin:sign].decode("utf-8", "replace").strip() if sign >= 0 else ""
    future = _piece(reader, text, start, sign + 1 if sign >= 0 else begin, future_end)
    asked = _piece(reader, text, start, condition.end(), arrow) if condition else None
    done = _piece(reader, text, start, body, after)
    return N("arm", start + begin, start + after, (future, asked, done), pattern, bound(pattern))


def _piece(reader: _Reader, text: bytes, start: int, begin: int, end: int) -> N:
    """An expression inside of a macro."""
    ahead = b"fn f(){"
    root = parse(ahead + text[begin:end] + b"}")
    where = start + begin - len(ahead)
    if not root.has_error and root.named_children:
        block = root.named_children[0].child_by_field_name("body")
        parts = _Reader(where, reader.depth).all(block) if block is not None else ()
        if parts:
            return parts[0] if len(parts) == 1 else N("block", start + begin, start + end, parts)
    return N("opaque", start + begin, start + end)


_HANDLERS: Final[dict[str, Convert]] = {
    "identifier": _leaf("name"),
    "self": _leaf("name"),
    "scoped_identifier": _leaf("path"),
    "string_literal": _literal,
    "raw_string_literal": _literal,
    "char_literal": _literal,
    "boolean_literal": _literal,
    "integer_literal": _literal,
    "float_literal": _literal,
    "unit_expression": _literal,
    "field_expression": _field,
    "call_expression": _call,
    "generic_function": _generic,
    "macro_invocation": _macro,
    "closure_expression": _closure,
    "async_block": _async,
    "block": _block,
    "unsafe_block": _block,
    "const_block": _block,
    "expression_statement": _statement,
    "let_declaration": _let,
    "let_condition": _test,
    "let_chain": _chain,
    "if_expression": _if,
    "match_expression": _match,
    "loop_expression": _loop,
    "while_expression": _while,
    "for_expression": _for,
    "return_expression": _jump("return"),
    "break_expression": _jump("break"),
    "continue_expression": _jump("continue"),
    "assignment_expression": _assign,
    "compound_assignment_expr": _assign,
    "binary_expression": _binary,
    "unary_expression": _unary,
    "reference_expression": _ref,
    "try_expression": lambda reader, node: reader.make("try", node, reader.all(node)[-1:]),
    "await_expression": lambda reader, node: reader.make("await", node, reader.all(node)[-1:]),
    "index_expression": _all("index"),
    "range_expression": _all("range"),
    "type_cast_expression": _cast,
    "struct_expression": _struct,
    "tuple_expression": _all("list"),
    "array_expression": _all("list"),
    "parenthesized_expression": _through,
}
