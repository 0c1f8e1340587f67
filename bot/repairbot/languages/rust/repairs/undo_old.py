"""An entry is overwritten: what the old one stood for is taken back, as it is where the entry is removed."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, named, squeezed, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import UNDO_OLD, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (UNDO_OLD,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """`map.insert(k, v);` becomes `if let Some(old) = map.insert(k, v) { undo(old) }`."""
    call, undone, removal = (source.node(span) for span in (intent.at, *intent.spans[1:3]))
    row = source.row(call)
    if row is None or not (row == call or (row.type == "expression_statement" and named(row)[0] == call)):
        return Refusal("what insert() returns is used")
    test = next((above for above in source.ancestors(removal) if above.type == "if_expression"), None)
    if test is None:
        return Refusal("what is removed elsewhere is not looked at there")
    pattern = next((node for node in walk(test) if node.type == "let_condition"), None)
    bound = _some(pattern)
    body = test.child_by_field_name("consequence")
    if not bound or body is None or test.child_by_field_name("alternative") is not None:
        return Refusal("what is removed elsewhere is not taken apart as `if let Some(..)`")
    rows = source.rows(body)
    if len(rows) != 1 or not (rows[0].start_byte <= undone.start_byte < rows[0].end_byte):
        return Refusal("more than one step undoes the entry elsewhere")
    moved = _Moved(source, call, rows[0], bound)
    lines = moved.lines()
    if isinstance(lines, Refusal):
        return lines
    blanks = source.indentation(row.start_byte)
    shown = source.lines([f"\t{line}" if line else "" for line in lines], blanks)
    end = row.end_byte
    nl = source.newline
    return (
        *moved.edits,
        Edit(row.start_byte, row.start_byte, f"if let Some({moved.old}) = "),
        Edit(call.end_byte, end, f" {{{nl}{shown}{nl}{blanks}}}"),
    )


def _some(condition: Node | None) -> str:
    """The name that `let Some(name) = ..` binds."""
    found = condition.child_by_field_name("pattern") if condition is not None else None
    match = re.fullmatch(r"Some\(\s*(\w+)\s*\)", text(found))
    return match[1] if match else ""


class _Moved:
    """A statement from another method, as it reads at the place of the insertion."""

    def __init__(self, source: Source, call: Node, row: Node, bound: str) -> None:
        self.source, self.call, self.row, self.bound = source, call, row, bound
        self.old = source.fresh(call, f"old_{bound}", f"replaced_{bound}")
        self.edits: tuple[Edit, ...] = ()

    def lines(self) -> list[str] | Refusal:
        """Its lines, outdented, every name replaced by what it is called there."""
        owner = self._owner()
        if isinstance(owner, Refusal):
            return owner
        shown = text(self.row)
        pieces: list[tuple[int, int, str]] = []
        for node in walk(self.row):
            if node.type not in ("identifier", "self") or node.parent is None or self._declared_inside(node):
                continue
            if (
                node.parent.type in ("scoped_identifier", "field_expression")
                and node.parent.children[0] != node
            ):
                continue
            if node.parent.type == "scoped_identifier":
                continue  # a path
            new = self._here(text(node), owner)
            if isinstance(new, Refusal):
                return new
            start = node.start_byte - self.row.start_byte
            pieces.append((start, start + node.end_byte - node.start_byte, new))
        data = shown.encode()
        for start, end, new in reversed(pieces):
            data = data[:start] + new.encode() + data[end:]
        blanks = self.source.indentation(self.row.start_byte)
        lines = [line.removeprefix(blanks) for line in data.decode().replace("\r\n", "\n").split("\n")]
        if self.row.type != "expression_statement" and not lines[-1].endswith((";", "}")):
            lines[-1] += ";"
        return lines

    def _owner(self) -> str | Refusal:
        """What the object is called at the insertion."""
        match = re.match(r"(self|\w+)\.", squeezed(text(self.call)))
        return match[1] if match else Refusal("the object of the map has no name there")

    def _declared_inside(self, node: Node) -> bool:
        """Whether a name is a parameter of a closure of the statement itself."""
        for above in self.source.ancestors(node):
            if above.start_byte < self.row.start_byte:
                return False
            if above.type == "closure_expression":
                parameters = above.child_by_field_name("parameters")
                if parameters is not None and self.source.mentions(text(node), parameters):
                    return True
        return False

    def _here(self, name: str, owner: str) -> str | Refusal:
        if name == self.bound:
            return self.old
        if name == "self":
            return owner
        if re.match(r"[A-Z]", name):
            return name
        if name == "cx":
            return self._context()
        was = self._let(self.row, name)
        if was is None:
            return Refusal(f"{name} is not at hand where the entry is overwritten")
        now = self._let(self.call, name)
        if now is not None and squeezed(was) == squeezed(now):
            return name
        match = re.fullmatch(r"self\.(\w+)(?:\.clone\(\))?", squeezed(was))
        return f"{owner}.{match[1]}" if match else Refusal(f"{name} is another value there")

    def _let(self, near: Node, name: str) -> str | None:
        """The value of the `let` that gives a name at a place."""
        for above in self.source.ancestors(near):
            if above.type == "block":
                for row in reversed(self.source.rows(above)):
                    ahead = row.type == "let_declaration" and row.end_byte <= near.start_byte
                    if ahead and text(row.child_by_field_name("pattern")) == name:
                        return text(row.child_by_field_name("value"))
            if above.type == "function_item":
                return None
        return None

    def _context(self) -> str | Refusal:
        """The context of the closure (or method) that inserts; one that it leaves unnamed gets its name."""
        for above in self.source.ancestors(self.call):
            if above.type == "function_item":
                return (
                    "cx"
                    if self.source.mentions("cx", above.child_by_field_name("parameters") or above)
                    else _NONE
                )
            if above.type != "closure_expression":
                continue
            listed = above.child_by_field_name("parameters")
            given = named(listed) if listed is not None else []
            signs = [child for child in (listed.children if listed is not None else ()) if child.type == "_"]
            for each in [*given, *signs]:
                if text(each) == "cx":
                    return "cx"
                if (
                    text(each) in ("_", "_cx")
                    and each.start_byte > above.start_byte + 1
                    and text(given[:1][0] if given else None) != text(each)
                ):
                    self.edits = (Edit(each.start_byte, each.end_byte, "cx"),)
                    return "cx"
            return _NONE
        return _NONE


_NONE = Refusal("there is no context where the entry is overwritten")
