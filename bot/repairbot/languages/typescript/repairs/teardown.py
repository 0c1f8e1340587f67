"""One more line in a teardown: next to what it releases already, else at its end."""

from __future__ import annotations

import re

from repairbot.languages.typescript.classes import CONSTRUCTOR, View
from repairbot.languages.typescript.repairs import _endings, _members, _release
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, CANCEL_IN_TEARDOWN, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (ADD_TO_TEARDOWN, CANCEL_IN_TEARDOWN)

_RELEASES = re.compile(
    r"\b(?:dispose|destroy|close|disconnect|terminate|unsubscribe|end|kill|cancel|abort|stop|release\w*|delete\w+|remove\w+|"
    r"off|unobserve|clear\w*|revoke\w+|forEach|quit)\s*\("
)
_THIS = re.compile(r"\bthis\.([\w#$]+)")


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit that adds the line."""
    view = source.view(intent.args["container"])
    if view is None:
        return Refusal(f"{intent.args['container']} is no class of this file")
    made = source.node(intent.at)
    edits = ending(source, view, intent.args["method"], made, intent.place, intent.args["line"])
    if isinstance(edits, Refusal):
        return edits
    return (*edits, *_again(source, view, made, intent))


def _again(source: Source, view: View, made: N, intent: Intent) -> tuple[Edit, ...]:
    """An interval that a method may start once more is cleared there as well: only one handle is kept."""
    line = intent.args["line"]
    row, function = source.row(made), source.function(made)
    if not line.startswith("clearInterval(") or row is None or function is None:
        return ()
    if function is view.methods.get(CONSTRUCTOR) or not source.text(row).startswith(f"{intent.place} ="):
        return ()
    if re.search(rf"{re.escape(intent.place)}\b", source.slice(function.start, row.start)):
        return ()  # it is looked at first
    return (source.before(row, _members.ended(source, intent.place, [line], row)),)


def ending(
    source: Source, view: View, name: str, made: N, place: str, line: str
) -> tuple[Edit, ...] | Refusal:
    """The edit that adds a line (or several) to what ends an object; `made`: where it makes what the line ends."""
    lines = _by_maker(source, made, place, line).replace("    ", "\t").split("\n")
    method = view.methods.get(name)
    if method is None:
        if any("await " in each for each in lines):
            return Refusal("its release must be awaited, and the teardown is no coroutine")
        return _endings.add(source, view, made, _members.ended(source, place, lines, made))
    body = method.kids[-1] if method.kids else None
    if body is None or body.kind != "statement_block":
        return Refusal("the teardown has no body to add a line to")
    lines = _members.ended(source, place, lines, body)
    called = _called(source, view, name)
    if any(_sets(source, view.methods[each], place) for each in (name, *called)):
        row = source.row(made)  # the teardown itself starts it: then only what stood there before has to end
        if row is None or re.match(rf"{re.escape(place)}\s*=", source.text(row)) is None:
            return Refusal(f"{name}() itself gives {place} a new value")
        return (source.before(row, lines),)
    definition = source.module.definition_of(method)
    if definition is None or not definition.asynchronous:
        lines = [each.replace("await ", "") for each in lines]
    spot, behind = _spot(source, body)
    if spot is None:
        return (source.at_end(body, lines),)
    if behind and not source.last_on_line(spot.end):
        return (source.at_end(body, lines),)
    return (source.after(spot, lines) if behind else source.before(spot, lines),)


def _by_maker(source: Source, made: N, place: str, line: str) -> str:
    """The line, or the release by what made the place: `gl.deleteBuffer(this.buffer)`."""
    found = re.match(rf"{re.escape(place)}\??(\.(?:delete|dispose)[A-Z]\w*)\(\)$", line)
    return _release.call(source, _release.made_by(made), found[1], place) if found is not None else line


def _called(source: Source, view: View, name: str) -> set[str]:
    """The methods of a class that one of them calls, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        text = source.text(view.methods[waiting.pop()])
        for other in re.findall(r"\bthis\.([\w#$]+)\(", text):
            if other in view.methods and other not in found and other != name:
                found.add(other)
                waiting.append(other)
    return found


def _sets(source: Source, body: N, place: str) -> bool:
    """Whether a teardown gives the place a value that is something."""
    return any(
        node.kind == "assignment_expression"
        and source.text(node.kids[0]) == place
        and node.kids[-1].kind not in ("null", "undefined", "false")
        for node in body.walk()
    )


def _spot(source: Source, body: N) -> tuple[N | None, bool]:
    """The row to stand next to, and whether behind it."""
    rows = source.rows(body)
    released = [n for n, row in enumerate(rows) if _released(source, row)]
    if released:
        last = released[-1]
        names = set(_THIS.findall(source.text(rows[last])))
        while last + 1 < len(rows) and _resets(source, rows[last + 1], names):
            last += 1
        return rows[last], True
    for row in rows:
        if re.match(r"super\b", source.text(row)) or row.kind == "return_statement":
            return row, False
    return (rows[-1], True) if rows else (None, False)


def _released(source: Source, row: N) -> bool:
    """Whether a row releases members, and does not leave."""
    text = source.text(row)
    if any(node.kind in ("return_statement", "throw_statement") for node in source.own(row)):
        return False
    return _RELEASES.search(text) is not None and _THIS.search(text) is not None


def _resets(source: Source, row: N, names: set[str]) -> bool:
    """Whether a row empties what the one before released."""
    found = re.match(r"(?:delete\s+)?this\.([\w#$]+)(?:\s*=[^=]|\s*;?$)", source.text(row))
    return found is not None and found[1] in names
