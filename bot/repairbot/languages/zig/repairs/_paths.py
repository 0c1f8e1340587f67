"""What can fail, and where control leaves, within one function."""

from __future__ import annotations

from tree_sitter import Node

from repairbot.languages.zig.repairs._source import Source, named, walk
from repairbot.languages.zig.syntax import text

JUMPS = frozenset({"return_expression", "break_expression", "continue_expression"})


def fails(source: Source, node: Node) -> bool:
    """Whether an error can leave the function from below a node (cleanup code apart)."""
    for child in walk(node):
        if child.type == "try_expression" and not _handled(source, child, node):
            return True
        if child.type == "return_expression" and raises(source, child):
            return True
    return False


def _handled(source: Source, node: Node, within: Node) -> bool:
    """Whether it stands in cleanup code, which no error leaves."""
    return any(
        above.type in ("defer_statement", "errdefer_statement")
        for above in source.ancestors(node)
        if above.start_byte >= within.start_byte
    )


def raises(source: Source, node: Node) -> bool:
    """Whether a return may give an error."""
    value = next((child for child in named(node)), None)
    if value is None:
        return False
    if value.type == "error_type" or any(child.type == "try_expression" for child in walk(value)):
        return True
    if value.type == "identifier":
        return text(value) in _errors(source, node)
    return value.type == "call_expression" and fallible(source, node)


def _errors(source: Source, node: Node) -> set[str]:
    """The names of errors captured around a node."""
    found: set[str] = set()
    for above in source.ancestors(node):
        if above.type in ("catch_expression", "else_clause", "switch_case"):
            for child in above.children:
                if child.type == "payload":
                    found.add(text(child).strip("| "))
    return found


def fallible(source: Source, node: Node) -> bool:
    """Whether the function around a node can return an error."""
    function = source.function(node)
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or body is None:
        return function is not None  # a test
    return b"!" in source.data[function.start_byte : body.start_byte].rpartition(b")")[2]


def jumps(source: Source, row: Node) -> list[Node]:
    """The jumps of a statement itself, not those in the blocks below it."""
    found: list[Node] = []
    stack = [row]
    while stack:
        node = stack.pop()
        if node.type in JUMPS:
            found.append(node)
            continue
        if node.type == "block" and node.start_byte != row.start_byte:
            continue
        stack.extend(reversed(node.children))
    return found


def conditional(source: Source, node: Node, row: Node) -> Node | None:
    """What decides whether a node of a row is evaluated at all, the innermost; None where nothing does.

    The node that is given back is the body that the node stands in: an arm, a handler, the body of a loop.
    """
    current = node
    while current.start_byte != row.start_byte or current.end_byte != row.end_byte:
        parent = current.parent
        if parent is None:
            return None
        parts = named(parent)
        first = bool(parts) and parts[0].start_byte == current.start_byte
        match parent.type:
            case "if_statement" | "if_expression" | "switch_expression" | "for_statement" | "for_expression":
                if not first and current.type not in ("switch_case", "payload"):
                    return current
            case "switch_case" | "else_clause" | "while_statement" | "while_expression":
                return current
            case "catch_expression":
                if not first:
                    return current
            case "binary_expression":
                short = any(child.type in ("orelse", "and", "or") for child in parent.children)
                if short and not first:
                    return current
            case "defer_statement" | "errdefer_statement":
                return current
        current = parent
    return None
