"""A handler that releases and throws again: the value belongs to somebody else when all goes well."""

from __future__ import annotations

import re

from repairbot.languages.typescript.repairs import _release, _wrap
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.syntax import names_in
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import RELEASE_ON_ERROR, RESET_ON_ERROR, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit, Span

WRITES = (RELEASE_ON_ERROR, RESET_ON_ERROR)


_CLOSES = re.compile(
    r"(?i)\b\w*(?:close|dispose|destroy|end|release|terminate|abort|kill|free|clear|quit|revoke|disconnect)\w*\("
)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The steps that can fail, in a `try` whose handler releases what was made before them."""
    node = source.node(intent.at)
    row = source.row(node)
    place = intent.place.partition("#")[0]
    if row is None or row.up is None:
        return Refusal("the acquisition is no statement of a block")
    if intent.do == RESET_ON_ERROR:
        lines = [line.replace("await ", "") if not source.asynchronous(node) else line
                 for line in intent.args["statements"].split("\n")]  # fmt: skip
    else:
        if place.endswith("[]") or intent.args.get("elements"):
            return Refusal("what it holds has to be released one by one")
        lines = _release.lines(source, node, intent.args, place)
    failing = _failing(source, row, intent.spans)
    if isinstance(failing, Refusal):
        return failing
    return _around(source, row, failing, place, lines, intent)


def _failing(source: Source, row: N, spans: tuple[Span, ...]) -> list[N] | Refusal:
    """The rows of the acquisition's block, from the one behind it to the last in which a step can fail."""
    rest = source.behind(row)
    last = -1
    for span in spans:
        found = next((n for n, other in enumerate(rest) if other.start <= span.start < other.end), None)
        if found is None:
            return Refusal(f"line {span.line} fails outside of the block that makes it")
        last = max(last, found)
    return rest[: last + 1] if last >= 0 else Refusal("no later step can fail")


def _around(
    source: Source, row: N, rows: list[N], place: str, lines: list[str], intent: Intent
) -> tuple[Edit, ...] | Refusal:
    while len(rows) > 1 and _plain(source, rows[0]):
        rows = rows[1:]
    tail = _wrap.handled(source, row, lines)
    owned = [each for each in rows if any(each.start <= span.start < each.end for span in intent.owners)]
    if owned and owned[0] is not rows[-1]:
        return Refusal(
            f"line {source.module.line(owned[0].start)} gives it to another owner before a later step fails"
        )
    more = _wrap.extended(source, rows)
    hoisted: tuple[Edit, ...] = ()
    if len(more) > len(rows):
        taken = [each for each in more if any(each.start <= span.start < each.end for span in intent.owners)]
        if not taken or taken[0] is more[-1]:
            rows = more
        else:
            found = _hoisted(source, rows)
            if isinstance(found, Refusal):
                return found
            hoisted = found
    if _released(source, rows, place):
        return Refusal("a step on the way releases it already")
    edits = _wrap.wrap(source, rows, tail, place)
    if isinstance(edits, Refusal):
        return edits
    return (*hoisted, *edits)


def _plain(source: Source, row: N) -> bool:
    """Whether a row only sets a name to what is there."""
    return row.kind in ("lexical_declaration", "variable_declaration") and not any(
        node.kind in ("call_expression", "new_expression", "await_expression", "yield_expression")
        for node in source.own(row)
    )


def _released(source: Source, rows: list[N], place: str) -> bool:
    """Whether some row releases it before it throws: the handler would do so once more."""
    if not re.fullmatch(r"[\w$]+", place):
        return False
    return any(
        node.kind == "expression_statement"
        and _release.only(source, node, place)
        and _CLOSES.search(source.text(node))
        for row in rows
        for node in source.own(row)
    )


def _hoisted(source: Source, rows: list[N]) -> tuple[Edit, ...] | Refusal:
    """`let` in front of the `try` for the one name that is used behind it."""
    rest = source.behind(rows[-1])
    used = [
        row
        for row in rows
        if any(source.mentions(name, other) for name in source.declared([row]) for other in rest)
    ]
    first = used[0] if len(used) == 1 else None
    made = [kid for kid in first.kids if kid.kind == "variable_declarator"] if first is not None else []
    if (
        first is None
        or len(made) != 1
        or made[0].kids[0].kind != "identifier"
        or len(names_in(made[0].kids[0])) != 1
    ):
        return Refusal("names that are set on the way are used behind it")
    name, kind = made[0].kids[0], made[0].of("type_annotation")
    typed = source.text(kind)
    begins = source.line_start(rows[0].start)
    blanks = source.indentation(rows[0].start)
    return (
        Edit(begins, begins, f"{blanks}{source.shown(f'let {source.text(name)}{typed}')}{source.newline}"),
        Edit(first.start, (kind or name).end, source.text(name)),
    )
