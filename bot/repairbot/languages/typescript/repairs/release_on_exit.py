"""`finally` right behind the acquisition: in a `try` that is there, else in one around what follows."""

from __future__ import annotations

import re

from repairbot.languages.typescript.repairs import _release, _wrap
from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import RELEASE_ON_EXIT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_ON_EXIT,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edits of a release on every way out."""
    name = intent.place.removesuffix("[]").partition("#")[0]
    if not re.fullmatch(r"[\w$]+", name):
        return Refusal(f"{name} belongs to an object, which outlives this function")
    if intent.args.get("elements"):
        return Refusal(f"what {name} holds has to be released with it")
    node = source.node(intent.at)
    row = source.row(node)
    if row is None or row.up is None:
        return Refusal("the acquisition is no statement of a block")
    old = _old(source, intent, name)
    if isinstance(old, Refusal):
        return old
    own = _own_words(source, old)
    lines = [own] if own else _release.lines(source, node, intent.args, name)
    if (used := _using(source, row, _release.made_by(node))) is not None:
        return (used, *(source.without(each) for each in old))
    if intent.place.endswith("[]"):
        lines = _each(source, node, intent, name)
    if _declares(source, row, name):
        return _behind(source, row, name, lines, old)
    if len(lines) > 1:
        return Refusal(f"{name} is declared elsewhere, and asked for its method before it is released")
    return _assigned(source, row, name, lines[0], old)


def _each(source: Source, near: N, intent: Intent, name: str) -> list[str]:
    """The lines that release what a local list holds."""
    item = source.fresh(near, "item", "each", "entry")
    inner = _release.lines(source, near, intent.args, item)
    return [f"for (const {item} of {name}) {{", *(f"\t{line}" for line in inner), "}"]


def _old(source: Source, intent: Intent, name: str) -> list[N] | Refusal:
    """The explicit releases that become superfluous."""
    found: list[N] = []
    for span in intent.spans:
        row = source.row(source.node(span))
        if row is not None and row.kind != "if_statement" and row.up is not None and row.up.up is not None:
            around = row.up.up
            if (
                around.kind == "if_statement"
                and _release.only(source, around, name)
                and source.is_row(around)
            ):
                row = around
        if row is None or not _release.only(source, row, name):
            return Refusal(f"what releases it in line {span.line} does more, or names it otherwise")
        if all(row is not other for other in found):
            found.append(row)
    return found


def _own_words(source: Source, old: list[N]) -> str:
    """The release as the file itself writes it."""
    texts = {source.text(row.kids[0]) for row in old if row.kind == "expression_statement"}
    return texts.pop() if len(texts) == 1 else ""


def _declares(source: Source, row: N, name: str) -> bool:
    return row.kind in ("lexical_declaration", "variable_declaration") and any(
        kid.kind == "variable_declarator"
        and len(kid.kids) > 1
        and source.text(kid.kids[0]) == name
        and source.slice(kid.kids[0].end, kid.end).lstrip().startswith(("=", ":"))
        and kid.kids[-1].kind not in ("null", "undefined", "type_annotation")
        for kid in row.kids
    )


def _using(source: Source, row: N, made: N | None) -> Edit | None:
    """`using` where this file holds the same kind of value that way."""
    callee = source.module.callee(made) if made is not None else ""
    if not callee or not source.text(row).startswith("const "):
        return None
    written = r"\s+".join(map(re.escape, callee.split()))
    found = re.search(rf"\b((?:await )?using)\s+[\w$]+\s*=\s*(?:await\s+)?{written}\(", source.data.decode())
    return Edit(row.start, row.start + len("const"), found[1]) if found is not None else None


def _behind(source: Source, row: N, name: str, lines: list[str], old: list[N]) -> tuple[Edit, ...] | Refusal:
    """The rows behind the acquisition, in a `try` with a `finally`."""
    rest = source.behind(row)
    if row.up is not None and row.up.kind == "program" and not rest:
        return Refusal("it lives as long as the module")
    if any(not row.up.start <= each.start < row.up.end for each in old if row.up is not None):
        return Refusal("it is released outside of the block that makes it")
    if not rest:
        return (source.after(row, lines),)
    if _set_again(source, name, rest):
        return Refusal(f"{name} gets another value later on")
    if (raised := _raised(source, rest, old)) is not None:
        return raised
    adopted = _adopted(source, name, rest, lines, old)
    if adopted is not None:
        return adopted
    rows = rest
    if old and (last := max(old, key=lambda each: each.start)).up is row.up:
        rows = [each for each in rest if each.start <= last.start]
        more = _wrap.extended(source, rows)
        if why := _longer(source, more[len(rows) :], lines):
            return Refusal(why)
        rows = more
    if len(rows) == 1 and old:
        return Refusal("nothing stands between the acquisition and the release")
    return _wrap.wrap(source, rows, _wrap.at_last(lines), name, old)


def _raised(source: Source, rest: list[N], old: list[N]) -> tuple[Edit, ...] | Refusal | None:
    """A `try` that stands too far below begins right behind the acquisition; None where there is no such."""
    tried = next((row for row in rest if row.kind == "try_statement"), None)
    final = tried.of("finally_clause") if tried is not None else None
    between = [row for row in rest if tried is not None and row.end <= tried.start]
    if tried is None or final is None or not between or len(old) != 1:
        return None
    if not final.start <= old[0].start < final.end or old[0].up is None or old[0].up.up is not final:
        return None
    if tried.of("catch_clause") is not None:
        return Refusal("the handler of the try would see the errors of what stands before it as well")
    names = source.declared(between)
    if any(source.mentions(name, other) for name in names for other in (final, *source.behind(tried))):
        return Refusal("names that are set before the try are used behind it")
    body = tried.kids[0]
    begins, opened = source.line_start(tried.start), source.line_end(body.start)
    if (
        not source.alone(between[0])
        or source.data[body.start + 1 : opened].strip()
        or not source.first_on_line(tried.start)
    ):
        return Refusal("the try shares its line with other statements")
    return (
        *_wrap.begun(source, between),
        Edit(begins, opened + len(source.newline), ""),
    )


def _longer(source: Source, rows: list[N], lines: list[str]) -> str:
    """Why it may not be held while these rows run, too, or ""."""
    line = source.module.line(rows[0].start) if rows else 0
    waits = any(
        node.kind in ("await_expression", "yield_expression") for row in rows for node in source.own(row)
    )
    if re.search(r"\b(?:clear(?:Timeout|Interval|Immediate))\(", lines[0]) and waits:
        return f"the timer would go on while line {line} and those behind it wait"
    if rows and re.search(r"\.(?:releaseLock|release|unlock)\(", lines[0]):
        return f"it is released before line {line}; a finally behind that would hold it longer"
    return ""


def _set_again(source: Source, name: str, rows: list[N]) -> bool:
    return any(
        mention.up is not None
        and mention.up.kind in ("assignment_expression", "augmented_assignment_expression")
        and mention.up.kids[0] is mention
        and source.text(mention.up.kids[-1]) not in ("null", "undefined")
        for row in rows
        for mention in source.mentions(name, row)
    )


def _harmless(source: Source, row: N) -> bool:
    """Whether a row cannot fail."""
    return row.kind in ("lexical_declaration", "variable_declaration") and not any(
        node.kind
        in ("call_expression", "new_expression", "await_expression", "yield_expression", "member_expression")
        for node in source.own(row)
    )


def _adopted(
    source: Source, name: str, rest: list[N], lines: list[str], old: list[N]
) -> tuple[Edit, ...] | Refusal | None:
    """A `try` right behind the acquisition gets the release; None where there is no such."""
    before: list[N] = []
    while rest and _harmless(source, rest[0]):
        before.append(rest[0])
        rest = rest[1:]
    if not rest or rest[0].kind != "try_statement" or any(source.mentions(name, row) for row in rest[1:]):
        return None
    if any(source.mentions(name, row) for row in before):
        return None
    return _into(source, rest[0], name, lines, old)


def _into(source: Source, tried: N, name: str, lines: list[str], old: list[N]) -> tuple[Edit, ...] | Refusal:
    """The release in a `finally` of a `try` that is there."""
    if any(not tried.start <= each.start < tried.end for each in old):
        return Refusal("it is also released outside of the try that uses it")
    waits = _wrap.awaited(source, source.rows(tried.kids[0]), name)
    if isinstance(waits, Refusal):
        return waits
    final = tried.of("finally_clause")
    gone = tuple(source.without(each) for each in old)
    if final is not None:
        block = final.of("statement_block")
        if block is None or any(final.start <= each.start < final.end for each in old):
            return Refusal("the finally that is there releases it under a condition")
        return (source.at_end(block, lines), *gone, *waits)
    clause = _wrap.clause(source, tried, lines)
    handler = tried.of("catch_clause")
    body = handler.of("statement_block") if handler is not None else None
    if handler is not None and body is not None:
        left = [row for row in source.rows(body) if all(row is not each for each in old)]
        caught = handler.kids[0] if len(handler.kids) > 1 else None
        thrown = len(left) == 1 and left[0].kind == "throw_statement" and caught is not None
        if thrown and caught is not None and source.text(left[0].kids[0]) == source.text(caught):
            kept = tuple(
                source.without(each) for each in old if not handler.start <= each.start < handler.end
            )
            return (Edit(handler.start, handler.end, clause), *kept, *waits)
    return (Edit(tried.end, tried.end, f" {clause}"), *gone, *waits)


def _assigned(source: Source, row: N, name: str, shown: str, old: list[N]) -> tuple[Edit, ...] | Refusal:
    """The value goes into a name that was declared before: the release asks whether it did."""
    declared = _declaration(source, row, name)
    if declared is None:
        return Refusal(f"{name} is not declared in this function")
    if source.function(declared) is not source.function(row):
        return Refusal(f"{name} belongs to another function")
    first = declared.of("variable_declarator")
    empty = first is not None and (
        len(first.kids) == 1 or first.kids[-1].kind in ("null", "undefined", "type_annotation")
    )
    if not empty:
        return Refusal(f"{name} also holds what was not made here")
    tried = [up for up in row.above() if up.kind == "try_statement" and up.start > declared.end]
    rest = source.behind(declared)
    lines = _release.unless_empty(source, shown, name)
    typed = _optional(source, declared, name)
    outer = next((each for each in rest if each.start <= row.start < each.end), None)
    if outer is row:
        later = source.behind(row)
        if _set_again(source, name, later) or not later:
            return Refusal(
                f"{name} gets another value later on" if later else "nothing stands behind the acquisition"
            )
        return _wrap.wrap(source, later, _wrap.at_last([shown]), name, old)
    if outer is not None and tried and outer is tried[-1]:
        others = [other for other in rest if other is not outer and source.mentions(name, other)]
        if not others and row.start < outer.kids[0].end:
            found = _into(source, outer, name, lines, old)
            return found if isinstance(found, Refusal) else (*typed, *found)
    return Refusal(f"{name} is made in an inner block and used outside of it")


def _optional(source: Source, declared: N, name: str) -> tuple[Edit, ...]:
    """A local's type says that it may hold nothing."""
    found = next((kid for kid in declared.kids if kid.kind == "variable_declarator"), None)
    kind = found.of("type_annotation") if found is not None else None
    if kind is None or re.search(r"\b(?:undefined|null|any|unknown)\b", source.text(kind)):
        return ()
    return (Edit(kind.end, kind.end, " | undefined"),)


def _declaration(source: Source, row: N, name: str) -> N | None:
    """The row that declares a name as those in a row see it, if it declares nothing else."""
    for up in (row, *row.above()):
        for other in (
            source.rows(up) if up.up is None or up.kind in ("statement_block", "switch_case") else ()
        ):
            if other.kind in ("lexical_declaration", "variable_declaration") and other.start < row.start:
                names = [source.text(kid.kids[0]) for kid in other.kids if kid.kind == "variable_declarator"]
                if name in names:
                    return other if len(names) == 1 else None
    return None
