"""How to make the arguments of a JavaScript or TypeScript function, told by the types that stand in its file.

A recipe is a dictionary: `is`, the kind of value, and `of`, what it is made of; `probes/node/call.cjs` makes
the value. Types from other files are not followed, but for those that everyone knows.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from repairbot.proof.harness.calling import NotCalled

Recipe = dict[str, Any]
DEPTH = 4
_PLAIN: dict[str, Recipe] = {
    "number": {"is": "number"},
    "boolean": {"is": "boolean"},
    "bigint": {"is": "bigint"},
    "null": {"is": "null"},
    "undefined": {"is": "nothing"},
    "void": {"is": "nothing"},
    "object": {"is": "object", "of": {}},
    "Object": {"is": "object", "of": {}},
    "Buffer": {"is": "bytes"},
    "Uint8Array": {"is": "bytes"},
    "ArrayBufferView": {"is": "bytes"},
    "Date": {"is": "date"},
    "Error": {"is": "error"},
    "Function": {"is": "function"},
    "Array": {"is": "array"},
    "Map": {"is": "map"},
    "Set": {"is": "set"},
    "ReadonlyMap": {"is": "map"},
    "ReadonlySet": {"is": "set"},
    "Record": {"is": "object", "of": {}},
    "Promise": {"is": "promise"},
    **{name: {"is": "shared", "of": name} for name in ("EventTarget", "AbortSignal", "AbortController")},
    "EventEmitter": {"is": "shared", "of": "EventEmitter"},
}
_TEXTS = {"string", "any", "unknown", "*", "String"}
_SAME = {"Readonly", "Required", "NonNullable", "Awaited"}
"""Generic types that stand for their argument."""


def recipes(source: str, path: str, symbol: str) -> dict[str, list[Recipe] | None]:
    """Of the function's arguments, and of the constructor's where it is a method (else None). Raises NotCalled."""
    grammar = (
        tree_sitter_typescript.language_tsx
        if path.endswith(("x", ".js"))
        else tree_sitter_typescript.language_typescript
    )
    file = _File(Parser(Language(grammar())).parse(source.encode()).root_node)
    parts = symbol.split(".")
    if len(parts) > 2:
        raise NotCalled("it stands inside another function")
    holder, method = parts[0], parts[1] if len(parts) == 2 else ""
    if holder in file.classes:
        making = file.constructor(holder, 0)
        if method in ("", "constructor"):
            return {"function": [], "constructor": making}
        found = file.method(holder, method)
        return {"function": file.arguments(found, 0), "constructor": making}
    if method:
        raise NotCalled(f"{holder} is no class at the top of its file")
    if holder not in file.functions:
        raise NotCalled(f"{holder} is not at the top of its file")
    return {"function": file.arguments(file.functions[holder], 0), "constructor": None}


class _File:
    """The definitions at the top of one file."""

    def __init__(self, root: Node) -> None:
        self.classes: dict[str, Node] = {}
        self.functions: dict[str, Node] = {}
        self.types: dict[str, Node] = {}
        self.enums: set[str] = set()
        for top in root.named_children:
            one = top.child_by_field_name("declaration") or top if top.type == "export_statement" else top
            for name, node in _defined(one):
                if node.type in ("class", "class_declaration", "abstract_class_declaration"):
                    self.classes[name] = node
                elif node.type in ("interface_declaration", "type_alias_declaration"):
                    self.types[name] = node
                elif node.type == "enum_declaration":
                    self.enums.add(name)
                elif node.child_by_field_name("parameters") or node.child_by_field_name("parameter"):
                    self.functions[name] = node

    def method(self, holder: str, name: str) -> Node:
        """A method, or a member that is set to a function. Raises NotCalled."""
        for one in _members(self.classes[holder]):
            if _text(one.child_by_field_name("name")) == name:
                held = one.child_by_field_name("value")
                return held if held is not None and held.child_by_field_name("body") else one
        raise NotCalled(f"{holder} has no {name} in this file")

    def constructor(self, holder: str, depth: int) -> list[Recipe]:
        """The arguments of its constructor. Raises NotCalled."""
        node = self.classes[holder]
        if node.type == "abstract_class_declaration":
            raise NotCalled(f"{holder} is abstract")
        if depth >= DEPTH:
            raise NotCalled(f"{holder} needs too much to be made")
        for one in _members(node):
            if _text(one.child_by_field_name("name")) == "constructor":
                try:
                    return self.arguments(one, depth + 1)
                except NotCalled as error:
                    raise NotCalled(f"{holder} cannot be made: {error}") from None
        return []

    def arguments(self, function: Node, depth: int) -> list[Recipe]:
        """Up to the last parameter that must be given."""
        held = function.child_by_field_name("parameters")
        given = held.named_children if held is not None else _one(function.child_by_field_name("parameter"))
        told = _documented(function)
        made: list[Recipe] = []
        needed = 0
        for parameter in given:
            if parameter.type == "comment":
                continue
            pattern = parameter.child_by_field_name("pattern") or parameter
            name = _text(pattern)
            if name == "this" or pattern.type == "rest_pattern":
                continue
            left_out = parameter.type == "optional_parameter" or parameter.child_by_field_name("value")
            made.append({"is": "nothing"} if left_out else self._argument(parameter, name, told, depth))
            needed = needed if left_out else len(made)
        return made[:needed]

    def _argument(self, parameter: Node, name: str, told: dict[str, str], depth: int) -> Recipe:
        kind = parameter.child_by_field_name("type")
        if kind is not None:
            return self.value(kind.named_children[0], name, depth)
        if name in told:
            parsed = Parser(Language(tree_sitter_typescript.language_typescript())).parse(
                f"type T = {told[name]};".encode()
            )
            alias = parsed.root_node.named_children[0].child_by_field_name("value")
            if alias is not None and not parsed.root_node.has_error:
                return self.value(alias, name, depth)
        if not name.isidentifier():
            raise NotCalled(f"parameter {name[:40]} has no annotation")
        return {"is": "text", "name": name}

    def value(self, kind: Node, name: str, depth: int) -> Recipe:
        """The recipe for a type. Raises NotCalled."""
        text = _text(kind)
        if depth > DEPTH:
            raise NotCalled(f"parameter {name} needs too much to be made")
        if text in _TEXTS:
            return {"is": "text", "name": name}
        if text in _PLAIN:
            return _PLAIN[text]
        inner = kind.named_children
        match kind.type:
            case "literal_type":
                return {"is": "choice", "of": [_literal(text)]}
            case "union_type":
                return self._union(_flat(kind), name, depth)
            case "parenthesized_type" | "readonly_type":
                return self.value(inner[0], name, depth)
            case "array_type":
                return {"is": "array", "of": self.value(inner[0], name, depth + 1)}
            case "tuple_type":
                return {"is": "tuple", "of": [self.value(one, name, depth + 1) for one in inner]}
            case "function_type":
                return {"is": "function", "of": self._result(kind.child_by_field_name("return_type"), depth)}
            case "object_type" | "interface_body":
                return {"is": "object", "of": self._fields(kind, depth)}
            case "intersection_type":
                parts = [self.value(one, name, depth) for one in _flat(kind)]
                if all(part["is"] == "object" for part in parts):
                    return {"is": "object", "of": {k: v for part in parts for k, v in part["of"].items()}}
            case "generic_type":
                return self._generic(kind, name, depth)
            case "type_identifier":
                return self._named(text, kind, name, depth)
        raise NotCalled(f"parameter {name}: {text[:60]}, of which no plain value can be made")

    def _named(self, text: str, kind: Node, name: str, depth: int) -> Recipe:
        if text in self.enums:
            return {"is": "enum", "of": text}
        if text in self.types:
            node = self.types[text]
            held = node.child_by_field_name("value") or node.child_by_field_name("body")
            assert held is not None
            made = self.value(held, name, depth + 1)
            for base in (one for one in node.named_children if one.type == "extends_type_clause"):
                for one in base.named_children:
                    more = self.value(one, name, depth + 1)
                    made = {**made, "of": {**more.get("of", {}), **made["of"]}}
            return made
        if text in self.classes:
            return {"is": "instance", "of": text, "with": self.constructor(text, depth)}
        if _parameter_of_type(kind, text):
            return {"is": "text", "name": name}
        raise NotCalled(f"parameter {name}: {text[:60]}, of which no plain value can be made")

    def _generic(self, kind: Node, name: str, depth: int) -> Recipe:
        outer = _text(kind.child_by_field_name("name"))
        given = kind.child_by_field_name("type_arguments")
        inner = given.named_children if given is not None else []
        if outer in ("Array", "ReadonlyArray", "Iterable") and inner:
            return {"is": "array", "of": self.value(inner[0], name, depth + 1)}
        if outer == "Promise" and inner:
            return {"is": "promise", "of": self._result(inner[0], depth)}
        if outer == "Partial":
            return {"is": "object", "of": {}}
        if outer in _SAME and inner:
            return self.value(inner[0], name, depth + 1)
        if outer in _PLAIN:
            return _PLAIN[outer]
        held = kind.child_by_field_name("name")
        assert held is not None
        return self._named(outer, held, name, depth)

    def _union(self, kinds: list[Node], name: str, depth: int) -> Recipe:
        literals = [_text(one) for one in kinds if one.type == "literal_type"]
        chosen = [_literal(one) for one in literals if one not in ("null", "undefined")]
        if chosen:
            return {"is": "choice", "of": chosen}
        reason = NotCalled(f"parameter {name}: nothing to choose from")
        for one in kinds:
            if _text(one) in ("null", "undefined"):
                continue
            try:
                return self.value(one, name, depth)
            except NotCalled as error:
                reason = error
        if literals or any(_text(one) in ("null", "undefined") for one in kinds):
            return {"is": "nothing"}
        raise reason

    def _fields(self, kind: Node, depth: int) -> dict[str, Recipe]:
        made: dict[str, Recipe] = {}
        for one in kind.named_children:
            name = _text(one.child_by_field_name("name"))
            if not name or any(child.type == "?" for child in one.children):
                continue
            if one.type == "method_signature":
                made[name] = {
                    "is": "function",
                    "of": self._result(one.child_by_field_name("return_type"), depth),
                }
            elif (told := one.child_by_field_name("type")) is not None:
                made[name] = self.value(told.named_children[0], name, depth + 1)
        return made

    def _result(self, kind: Node | None, depth: int) -> Recipe | None:
        """What a function that is handed in gives back, where it can be made."""
        if kind is None:
            return None
        try:
            return self.value(
                kind.named_children[0] if kind.type == "type_annotation" else kind, "result", depth + 1
            )
        except NotCalled:
            return None


def _defined(node: Node) -> list[tuple[str, Node]]:
    if node.type in ("lexical_declaration", "variable_declaration"):
        pairs = []
        for one in node.named_children:
            value = one.child_by_field_name("value")
            if one.type == "variable_declarator" and value is not None:
                pairs.append((_text(one.child_by_field_name("name")), value))
        return pairs
    name = _text(node.child_by_field_name("name"))
    return [(name, node)] if name else []


def _members(node: Node) -> list[Node]:
    body = node.child_by_field_name("body")
    return body.named_children if body is not None else []


def _documented(function: Node) -> dict[str, str]:
    """The types of the parameters that a JSDoc comment in front tells."""
    node: Node | None = function
    while node is not None and node.prev_named_sibling is None and node.type != "class_body":
        node = node.parent
    above = node.prev_named_sibling if node is not None else None
    if above is None or above.type != "comment" or not _text(above).startswith("/**"):
        return {}
    return {
        name: kind for kind, name in re.findall(r"@param\s+\{([^{}]+)\}\s+([A-Za-z_$][\w$]*)", _text(above))
    }


def _parameter_of_type(node: Node, name: str) -> bool:
    """Whether it is a type parameter of a function or class around."""
    up: Node | None = node
    while up is not None:
        held = up.child_by_field_name("type_parameters")
        if held is not None and any(
            _text(one.child_by_field_name("name")) == name for one in held.named_children
        ):
            return True
        up = up.parent
    return False


def _flat(kind: Node) -> list[Node]:
    """The members of a union or intersection, which the grammar nests."""
    return [
        inner for one in kind.named_children for inner in (_flat(one) if one.type == kind.type else [one])
    ]


def _literal(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        raise NotCalled(f"no plain value can be made of {text[:60]}") from None


def _one(node: Node | None) -> list[Node]:
    return [node] if node is not None else []


def _text(node: Node | None) -> str:
    return node.text.decode() if node is not None and node.text is not None else ""
