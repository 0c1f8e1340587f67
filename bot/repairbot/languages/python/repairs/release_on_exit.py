"""Release a local value on every way out: `with` where the value can, `closing`, else `try`/`finally`."""

from __future__ import annotations

import re

import libcst as cst

from repairbot.languages.python.repairs import _hold
from repairbot.languages.python.repairs._cst import Compound, Row, Small, Source, walk
from repairbot.languages.python.repairs._draft import Draft, only_statement
from repairbot.languages.python.repairs._hold import Hold, last_word
from repairbot.languages.python.repairs._made_on import makers
from repairbot.lazily import dataclass
from repairbot.lifetimes.intents import RELEASE_ON_EXIT, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (RELEASE_ON_EXIT,)

AWAITED_SCOPES = frozenset("get post put delete patch head options request ws_connect open".split())
"""Coroutines that are at the same time `async with` managers: the await goes when the `async with` comes."""
ASKING = frozenset({"wait", "join", "communicate", "stdout", "stderr"})
"""Members of a process or thread that only somebody who waits for it looks at."""
WAITING = frozenset({".wait", ".join", ".communicate"})
"""Releases that block until what they release has ended by itself."""
_BEGINS = re.compile(r"(?:start|serve|launch|spawn|begin)(?:_|$)")
_APART = re.compile(r"(?:start|serve)_(?!forever)|launch|spawn|begin")
"""Methods after which a value works by itself: for all that is known, and for certain."""
_CURRENT = frozenset({"matplotlib.pyplot"})
"""Modules whose functions mean the object that was made last."""
IDLE = frozenset({"mkstemp"})
"""Calls of whose values one is a descriptor that does nothing by being open."""
PLAIN = frozenset({".close", ".shutdown", ".cleanup", ".aclose", ".release", ".wait", ".quit", ".logout"})
"""Releases that a `with` of the same value makes superfluous."""


LONGEST = 100
"""Lines that a block may get: beyond that nobody can review the change, and the function wants to be cut."""


@dataclass(frozen=True, slots=True)
class Form:
    """How to release: `head` and `tail` go round the value of a `with`, or `finally_` is the statement."""

    keyword: str = ""
    head: str = ""
    tail: str = ""
    finally_: str = ""


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See RELEASE_ON_EXIT."""
    hold = _hold.find(source, intent.place, intent.at, intent.spans)
    if isinstance(hold, Refusal):
        return hold
    if intent.args["release"] in WAITING and not _waited_for(source, hold):
        return Refusal(f"nothing here waits for {hold.name}: it may be meant to run on")
    if hold.release is None and (why := _goes_on(source, hold, intent.args["release"])):
        return Refusal(why)
    statement = release_statement(source, hold, intent)
    if isinstance(statement, Refusal):
        return statement
    if not hold.rows and hold.release is None and hold.plain:
        return _at_once(hold, statement, intent)
    idle = isinstance(hold.value, cst.Call) and last_word(source, hold.value) in IDLE
    if idle and hold.release is None and not hold.plain and not source.mentions(hold.name, hold.rows):
        return _unwanted(hold, statement, intent)
    form, imports = _form(hold, intent, statement)
    if form.finally_ and (hold.superfluous or hold.kept):
        return Refusal(f"{hold.name} is also released in the middle, and a finally would release it twice")
    if not form.finally_ and hold.kept and not _harmless_twice(source, hold, intent):
        line = source.line_number(source.start(hold.kept[0]))
        return Refusal(f"{hold.name} is released early at line {line}, and a with would release it again")
    if isinstance(hold.row, Compound) and not hold.release and not _alike(source, hold):
        return Refusal(f"{hold.name} is made in several ways, and it is not known whether all need a release")
    first, behind = _span(hold)
    if source.data.count(b"\n", first, behind) > LONGEST:
        return Refusal(f"more than {LONGEST} lines would have to be indented for it")
    draft = Draft(source)
    if form.finally_:
        _write_try(draft, hold, form.finally_)
    else:
        _write_with(draft, hold, form)
    return (*draft.edits(), *imports)


def _goes_on(source: Source, hold: Hold, release: str) -> str:
    """Why a value may have to live on behind the last row that speaks of it, or ""."""
    body = source.rows(hold.row)
    last = hold.rows[-1] if hold.rows else hold.row
    behind = list(body[next(number for number, row in enumerate(body) if row is last) + 1 :])
    module = source.shown(release).rpartition(".")[0]
    if release.rpartition(".")[0] in _CURRENT and behind and source.mentions(module, behind):
        return f"{module} is used behind the last line that names {hold.name}, and may well mean it"
    begins = _BEGINS if body[-1] is not last else _APART  # `loop.start()` in the last line may well block
    for item in source.mentions(hold.name, hold.rows):
        if begins.match(_member(source, item)):
            line = source.line_number(source.start(item))
            return (
                f"{hold.name} is started at line {line}, and may be needed behind the last line that names it"
            )
    return ""


def _waited_for(source: Source, hold: Hold) -> bool:
    """Whether the code waits for the end or the output of what runs on every way, so that waiting changes nothing."""
    rows = [*hold.rows, *([hold.release] if hold.release else [])]
    if any(_member(source, item) == "poll" for item in source.mentions(hold.name, rows)):
        return False
    for row in rows:
        part: cst.CSTNode = row.iter if isinstance(row, cst.For) else row
        if isinstance(part, Compound) and not isinstance(part, cst.Try):
            continue
        for item in source.mentions(hold.name, part):
            call = source.parent(source.parent(item) or item)
            limited = (
                isinstance(call, cst.Call) and bool(call.args) and _member(source, item) in ("wait", "join")
            )
            if _member(source, item) in ASKING and not limited:
                return True
    return False


def _member(source: Source, name: cst.Name) -> str:
    """The member of a value that a mention of it reads."""
    parent = source.parent(name)
    return parent.attr.value if isinstance(parent, cst.Attribute) else ""


def release_statement(source: Source, hold: Hold, intent: Intent) -> str | Refusal:
    """The statement that releases: the explicit one where there is one, else made from the intent."""
    function = source.function(hold.statement)
    awaited = intent.args.get("asynchronous") == "yes"
    if awaited and (function is None or function.asynchronous is None):
        return Refusal("its release must be awaited, and this function is not async")
    release = source.shown(intent.args["release"])
    call = f"{hold.name}{release}()" if release.startswith(".") else f"{release}({hold.name})"
    if "(" in release:
        call = release.replace("{}", hold.name) if "{}" in release else f"{hold.name}{release}"
    return f"await {call}" if awaited else call


def _explicit(source: Source, hold: Hold) -> str:
    """The text of the explicit release at the end of the hold, "" where there is none."""
    if isinstance(hold.release, cst.SimpleStatementLine):
        return source.text(hold.release.body[0])
    return ""


def _harmless_twice(source: Source, hold: Hold, intent: Intent) -> bool:
    return intent.args["release"] == ".close" and intent.args.get("scope") == "releases"


def _form(hold: Hold, intent: Intent, statement: str) -> tuple[Form, list[Edit]]:
    """`with`, `closing` or `finally`, and the imports it needs."""
    source, scope = hold.source, intent.args.get("scope", "none")
    imports: list[Edit] = []
    awaited = intent.args.get("asynchronous") == "yes"
    release = source.shown(intent.args["release"])
    explicit = _explicit(source, hold) or statement
    simple = re.fullmatch(rf"(await )?{re.escape(hold.name)}\.\w+\((wait=True)?\)", explicit) is not None
    matching = simple and "." + explicit.rpartition(".")[2].partition("(")[0] in PLAIN | {release}
    value = hold.value
    if isinstance(hold.row, Compound) and matching and scope == "releases" and _alike(source, hold):
        return Form("async with" if awaited else "with"), imports
    if hold.plain and matching and not isinstance(hold.release, (cst.If,)):
        if scope == "releases":
            if not isinstance(value, cst.Await):
                return Form("async with" if awaited else "with"), imports
            if (
                isinstance(value.expression, cst.Call)
                and last_word(source, value.expression) in AWAITED_SCOPES
            ):
                return Form("async with", head="strip await"), imports
        elif release == ".close" and not awaited and explicit == f"{hold.name}.close()":
            name, imports = source.import_name("contextlib", "closing")
            return Form("with", f"{name}(", ")"), imports
    if release == intent.args["release"] and "." in release[1:] and not _explicit(source, hold):
        imports = source.ensure_import(f"import {release.rpartition('.')[0]}")
    return Form(finally_=statement), imports


def _at_once(hold: Hold, statement: str, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """Nobody uses the value: the effect of making it stays (a file is created), and it is released at once."""
    source = hold.source
    if hold.plain and statement == f"{hold.name}{intent.args['release']}()":
        return (
            Edit(source.start(hold.statement), source.outer_start(hold.value), ""),
            Edit(source.outer_end(hold.value), source.outer_end(hold.value), f"{intent.args['release']}()"),
        )
    return tuple(source.insert_after(hold.statement, statement))


def _unwanted(hold: Hold, statement: str, intent: Intent) -> tuple[Edit, ...]:
    """Nobody uses this element of a tuple: it is released at once; `_` gets a name for it."""
    source, edits = hold.source, list[Edit]()
    if hold.name == "_":
        scope = source.scope(hold.statement)
        name = next((word for word in ("fd", "descriptor") if not source.mentions(word, scope)), None)
        name = name or source.fresh("fd")
        assert isinstance(hold.statement, (cst.Assign, cst.AnnAssign))
        target = source.mentions("_", hold.statement)[0]
        edits.append(Edit(source.start(target), source.end(target), name))
        statement = statement.replace("(_)", f"({name})")
    release = intent.args["release"]
    if source.shown(release) == release:
        edits += source.ensure_import(f"import {release.rpartition('.')[0]}")
    return (*edits, *source.insert_after(hold.statement, statement))


def _span(hold: Hold) -> tuple[int, int]:
    """The first byte behind the acquisition's line, and the first behind the last row."""
    source = hold.source
    start = source.block_end(hold.row)
    last = hold.rows[-1] if hold.rows else hold.row
    return start, source.block_end(last)


def _alike(source: Source, hold: Hold) -> bool:
    """Whether all branches make the value by the same call."""
    return len(makers(source, hold.row, hold.name)) == 1


def _head(draft: Draft, hold: Hold, form: Form) -> None:
    """The line of the `with`: in place of the acquisition, or behind the statement that made the value."""
    source, value = hold.source, hold.value
    if isinstance(hold.row, Compound):
        first, behind = _span(hold)
        while first < behind and not source.line_text(first).strip():
            first = source.line_end(first)
        draft.put(first, source.indentation(hold.row), f"{form.keyword} {hold.name}:")
        return
    assert isinstance(hold.statement, (cst.Assign, cst.AnnAssign))
    head, tail = form.head, form.tail
    start, end = source.outer_start(value), source.outer_end(value)
    if head == "strip await":
        assert isinstance(value, cst.Await)
        head, start, end = "", source.outer_start(value.expression), source.outer_end(value.expression)
    draft.write(Edit(source.start(hold.statement), start, f"{form.keyword} {head}"))
    draft.write(Edit(end, source.end(hold.statement), f"{tail} as {hold.name}:"))
    _align(draft, hold, start, len(form.keyword) + 1 + len(head) - (start - source.start(hold.statement)))


def _write_with(draft: Draft, hold: Hold, form: Form) -> None:
    source = hold.source
    _head(draft, hold, form)
    first, behind = _span(hold)
    for item in hold.superfluous:
        _take_out(draft, item)
    release = hold.release
    if isinstance(release, cst.Try):
        _join_try(draft, hold, release, first)
        return
    if hold.plain:
        draft.tidy_after(first, behind)
    draft.shift(first, behind)
    if release is not None:
        _drop_release(draft, hold, release, behind)
    if not any(
        not draft.dropped(line) and source.line_text(line).strip() for line in source.lines(first, behind)
    ):
        draft.put(first, source.indentation(hold.row) + source.unit, "pass")


def _align(draft: Draft, hold: Hold, start: int, by: int) -> None:
    """Move the lines of the value that are aligned with its brackets along with it."""
    source = hold.source
    column = start - source.line_start(start)
    for line in source.lines(start, source.end(hold.value)):
        text = source.line_text(line)
        blanks = len(text) - len(text.lstrip(" "))
        if by and blanks > column and not source.inside_string(line):
            draft.write(Edit(line, line + max(-by, 0), " " * by))


def _drop_release(draft: Draft, hold: Hold, release: Row, behind: int) -> None:
    """Take the explicit release out, with the blank lines that set it off where nothing follows."""
    source = hold.source
    draft.drop_row(release) if isinstance(release, cst.SimpleStatementLine) else draft.drop(
        source.line_start(source.start(release)), source.block_end(release)
    )
    after = source.line_end(source.end(release) - 1)
    rest = source.line_text(after).strip() if after < len(source.data) else ""
    body = source.rows(release)
    if not rest or body[-1] is release:
        draft.tidy_before(source.line_start(source.start(release)), behind)


def _take_out(draft: Draft, item: Small) -> None:
    """Take a superfluous release out; `pass` stands for it where nothing else would."""
    source = draft.source
    row = source.row(item)
    assert row is not None
    if not only_statement(source, item):
        draft.drop_row(row)
        return
    block = source.parent(row)
    owner = source.parent(block) if block is not None else None
    if (
        isinstance(owner, cst.If)
        and owner.orelse is None
        and isinstance(source.parent(owner), cst.IndentedBlock)
    ):
        siblings = source.rows(owner)
        if len(siblings) > 1 and not any(isinstance(node, cst.Call) for node in walk(owner.test)):
            draft.drop(source.line_start(source.start(owner)), source.block_end(owner))
            return
    draft.write(Edit(source.start(item), source.end(item), "pass"))


def _parts(source: Source, block: cst.Try) -> tuple[int, int, int, int]:
    """Line starts of a `try`: its first line, its body, its `finally` line, and the end of it all."""
    assert block.finalbody is not None
    first = source.line_start(source.start(block))
    body = source.line_end(source.start(block))
    return first, body, source.line_start(source.start(block.finalbody)), source.block_end(block)


def _lone(block: cst.Try) -> bool:
    """Whether a `try` has nothing but its body and a `finally` of one row."""
    assert block.finalbody is not None
    return not block.handlers and block.orelse is None and len(block.finalbody.body.body) == 1


def _join_try(draft: Draft, hold: Hold, block: cst.Try, first: int) -> None:
    """The release stands in the `finally` of a later `try`: the `with` takes its place."""
    source = hold.source
    line, body, final, end = _parts(source, block)
    assert block.finalbody is not None
    if hold.plain:
        draft.tidy_after(first, line)
    draft.shift(first, line)
    if _lone(block):
        draft.drop(line, body)
        draft.tidy_before(line, first)
        draft.drop(final, end)
        return
    draft.shift(line, end)
    if len(block.finalbody.body.body) == 1:
        draft.shift(final, end, -1)
        draft.drop(final, end)
        return
    for item in block.finalbody.body.body:
        small = item.body[0] if isinstance(item, cst.SimpleStatementLine) else None
        if isinstance(item, (cst.SimpleStatementLine, cst.If)) and source.mentions(hold.name, item):
            if small is not None:
                draft.drop_row(item)
            else:
                draft.drop(source.line_start(source.start(item)), source.block_end(item))
            return


def _write_try(draft: Draft, hold: Hold, statement: str) -> None:
    """`try:` behind the acquisition, `finally:` before the release (or a new one)."""
    source, margin = hold.source, hold.source.indentation(hold.row)
    first, behind = _span(hold)
    top = first
    while top < behind and not source.line_text(top).strip():
        top = source.line_end(top)
    release = hold.release
    if isinstance(release, cst.Try):
        line, body, final, _ = _parts(source, release)
        if line == top or not hold.rows:
            top = first
        draft.put(top, margin, "try:")
        draft.shift(top, line)
        if _lone(release):
            draft.drop(line, body)
        else:
            draft.shift(line, final)
        return
    draft.put(top, margin, "try:")
    draft.shift(top, behind)
    if release is None:
        draft.put(behind, margin, f"finally:\n{source.unit}{statement}")
        return
    start, end = source.line_start(source.start(release)), source.block_end(release)
    while start > behind and source.line_text(start - 1).lstrip().startswith("#"):
        start = source.line_start(start - 1)
    draft.tidy_before(start, behind)
    draft.put(start, margin, "finally:")
    draft.shift(start, end)
