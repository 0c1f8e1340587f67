"""How long a local value is held: from its acquisition to the last place in the same block that needs it.

What a repair may put into a `with` or a `try` is decided here, and everything that speaks against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field

import libcst as cst

from repairbot.languages.python.repairs._cst import FUNCTIONS, Compound, Row, Small, Source, walk
from repairbot.languages.python.repairs._made_on import made_on_every_way
from repairbot.lazily import dataclass, regex
from repairbot.lifetimes.intents import Refusal
from repairbot.model import Span

EAGER_METHODS = frozenset(
    "read readline readlines readinto read_text read_bytes recv recvfrom tell seek fetchall fetchone "
    "fetchmany scalar scalars getvalue decode strip split poll wait communicate write writelines send sendall "
    "send_signal flush rowcount execute_fetchall namelist getnames json result exists isatty readable".split()
)
"""Methods whose result does not need its receiver any more."""
EAGER_CALLS = frozenset(
    "list tuple set frozenset dict sorted sum min max any all len str bytes bytearray int float bool repr hash "
    "load loads safe_load full_load parse fromfile loadtxt read_csv copyfileobj getsize print isinstance "
    "b64encode hexdigest checksum join fstat".split()
)
"""Functions whose result does not need their argument any more."""
LAZY_CALLS = frozenset(
    "reader DictReader map filter zip enumerate iter reversed islice chain takewhile dropwhile iterdecode "
    "TextIOWrapper BufferedReader BufferedWriter StreamReader iterparse partial".split()
)
LAZY_METHODS = regex(
    r"cursor|makefile|iter|open|stream|execute|submit|map|fileno|getbuffer|begin|channel|pipeline"
)
"""Methods whose result needs its receiver."""
PRESENT = regex(r"(?i)temp|lock|server|listen|watch|observ|mount|patch|trac")
"""Callees whose value works by being there: it is kept to the end of its block when nothing says otherwise."""
HARMLESS_AFTER = frozenset({"closed", "name", "returncode", "pid", "mode", "encoding"})
"""Attributes that may be read of a released value."""
REPORTING = frozenset(
    "debug info warning warn error exception critical log print write append emit echo secho fail".split()
)
"""Calls that only tell somebody something: they may run before the release as well as after it."""


_VALUES = (cst.Comparison, cst.ListComp, cst.SetComp, cst.DictComp)
"""Expressions whose value needs no part of them any more."""


@dataclass(slots=True)
class Hold:
    """A value held by a name. `rows`: what must run while it is held; `release`: the row that releases it at
    the end of them (the explicit release, or the `try` whose `finally` holds it), if there is one.

    `superfluous`: explicit releases inside `rows`, each right before a way out.
    """

    source: Source
    name: str
    statement: Small
    value: cst.BaseExpression
    row: Row
    """The row behind which the value is there: the acquisition's line, or the statement whose every branch makes
    it."""
    rows: list[Row]
    plain: bool
    """The statement is `name = value` and nothing else, so that it can become the head of a `with`."""
    release: Row | None = None
    superfluous: list[Small] = field(default_factory=list)
    kept: list[Small] = field(default_factory=list)
    """Explicit releases that stay where they are."""


def find(source: Source, name: str, at: Span, releases: tuple[Span, ...]) -> Hold | Refusal:
    """The hold of what `name` acquires at `at`, or what speaks against putting it into a block."""
    statement = source.statement(at)
    if not isinstance(statement, (cst.Assign, cst.AnnAssign)) or statement.value is None:
        return Refusal("the value is not acquired by an assignment of its own")
    row = source.row(statement)
    if not isinstance(row, cst.SimpleStatementLine) or not source.alone(statement):
        return Refusal("the acquisition shares its line with other statements")
    targets = (
        [item.target for item in statement.targets]
        if isinstance(statement, cst.Assign)
        else [statement.target]
    )
    if len(targets) != 1:
        return Refusal(f"{name} is not the only name of the value")
    target = targets[0]
    plain = isinstance(target, cst.Name) and target.value == name
    if not plain and not (isinstance(target, (cst.Tuple, cst.List)) and source.mentions(name, target)):
        return Refusal(f"the value is not held by a local name {name}")
    if source.mentions(name, statement.value):
        return Refusal(f"{name} is made of its own old value")
    scope = source.scope(statement)
    if any(isinstance(node, (cst.Global, cst.Nonlocal)) and _declares(node, name) for node in walk(scope)):
        return Refusal(f"{name} is not a local name here")
    if isinstance(scope, cst.Module) and any(
        _ours(source, node, name) for node in walk(scope) if isinstance(node, cst.FunctionDef)
    ):
        return Refusal(f"functions of this module use {name}")
    anchor: Row = row
    while (outside := next(_later(source, anchor, name), None)) is not None:
        above = source.parent(anchor)
        outer = source.row(above) if above is not None and plain else None
        if outer is None or not made_on_every_way(source, outer, name):
            line = source.line_number(source.start(outside))
            return Refusal(f"{name} is still used at line {line}, outside of the block that acquires it")
        anchor = outer
    body = source.rows(anchor)
    index = next(number for number, item in enumerate(body) if item is anchor)
    hold = Hold(source, name, statement, statement.value, anchor, [], plain and anchor is row)
    marks: list[Small] = [
        found for span in releases if isinstance(found := source.statement(span), (cst.Expr, cst.Assign))
    ]
    return _extent(hold, list(body[index + 1 :]), marks)


def _declares(node: cst.Global | cst.Nonlocal, name: str) -> bool:
    return any(item.name.value == name for item in node.names)


def _ours(source: Source, function: cst.FunctionDef | cst.Lambda, name: str) -> bool:
    """Whether a nested function uses the name of the scope around it."""
    found = source.mentions(name, function)
    if isinstance(function, cst.FunctionDef) and function.name.value == name:
        return True
    return bool(found) and not any(source.is_store(item) for item in found)


def _rebinds(source: Source, row: Row, name: str) -> bool:
    """Whether a row gives the name a new value before anything in it reads the old one."""
    found = sorted(source.mentions(name, row), key=source.start)
    if isinstance(row, cst.SimpleStatementLine):
        item = row.body[0]
        return isinstance(item, (cst.Assign, cst.AnnAssign)) and all(source.is_store(each) for each in found)
    if isinstance(row, cst.With):
        return source.is_store(found[0]) and not source.mentions(name, [item.item for item in row.items])
    if isinstance(row, cst.For):
        return bool(source.mentions(name, row.target)) and not source.mentions(name, row.iter)
    return False


def _later(source: Source, row: Row, name: str) -> Iterator[cst.Name]:
    """Uses of the name that control can reach behind the block of `row`, without a new value in between."""
    current: cst.CSTNode = row
    scope = source.scope(row)
    first = True
    while True:
        block = source.parent(current)
        if block is None:
            return
        if isinstance(current, (cst.SimpleStatementLine, Compound)) and isinstance(
            block, (cst.IndentedBlock, cst.Module)
        ):
            if not first:
                body = source.rows(current)
                for item in body[body.index(current) + 1 :]:
                    if source.mentions(name, item):
                        if not _rebinds(source, item, name):
                            yield source.mentions(name, item)[0]
                        return
            first = False
        if block is scope or isinstance(block, (cst.ClassDef, *FUNCTIONS)):
            return
        if isinstance(block, (cst.For, cst.While)) and block.body is current:
            again: list[cst.CSTNode] = [block.test] if isinstance(block, cst.While) else []
            for item in [*again, *block.body.body]:
                if source.start(item) >= source.start(row):
                    break
                if found := source.mentions(name, item):
                    if not (
                        isinstance(item, (cst.SimpleStatementLine, Compound)) and _rebinds(source, item, name)
                    ):
                        yield found[0]
                    break
            if block.orelse is not None:
                yield from source.mentions(name, block.orelse)
        if isinstance(block, cst.Try | cst.TryStar):
            parts: list[cst.CSTNode] = []
            if block.body is current:
                parts = [*block.handlers, *([block.orelse] if block.orelse else [])]
            if block.finalbody is not None and current is not block.finalbody:
                parts.append(block.finalbody)
            yield from source.mentions(name, parts)
        current = block


def _extent(hold: Hold, following: list[Row], marks: list[Small]) -> Hold | Refusal:
    """Fill in the rows of the hold and what becomes of the explicit releases."""
    source, name = hold.source, hold.name
    reach = list(following)
    for number, item in enumerate(following):
        if source.mentions(name, item) and _rebinds(source, item, name):
            reach = following[:number]
            break
    last, _, names = derived_from(source, reach, {name})
    end = next((number for number, item in enumerate(reach) if _releases(source, item, marks, name)), -1)
    if end >= 0:
        after = [item for row in reach[end + 1 :] for item in source.mentions(name, row)]
        if all(_harmless(source, item) for item in after):
            hold.release = reach[end]
            hold.rows = list(reach[:end])
        else:
            hold.rows = list(reach[: last + 1])
    elif PRESENT.search(source.text(hold.value)) and not marks:
        hold.rows = list(reach)
        while hold.rows and _is_leaving(hold.rows[-1]) and not source.mentions(name, hold.rows[-1]):
            hold.rows.pop()
    else:
        hold.rows = list(reach[: last + 1])
    inside = [*hold.rows, *([hold.release] if isinstance(hold.release, cst.Try) else [])]
    for other in sorted(names - {name}):
        beyond = next(_later(source, hold.row, other), None)
        if beyond is not None:
            line = source.line_number(source.start(beyond))
            return Refusal(f"{other}, which needs {name}, is still used at line {line}")
    contrary = against(source, name, names, inside, marks)
    if contrary is not None:
        return contrary
    return _superfluous(hold, [item for item in marks if _within(source, item, hold.rows)])


def _is_leaving(row: Row) -> bool:
    """A bare jump or a returned constant: nothing that could need the value to be there."""
    if not isinstance(row, cst.SimpleStatementLine):
        return False
    item = row.body[0]
    if isinstance(item, cst.Return):
        return item.value is None or isinstance(item.value, (cst.Name, cst.Integer, cst.SimpleString))
    return isinstance(item, (cst.Break, cst.Continue, cst.Pass))


def _within(source: Source, node: cst.CSTNode, rows: list[Row]) -> bool:
    return any(source.start(row) <= source.start(node) < source.end(row) for row in rows)


def _releases(source: Source, row: Row, marks: list[Small], name: str) -> bool:
    """Whether this row is the release: by itself, under a check of the name, or in the `finally` of a `try`."""
    if isinstance(row, cst.SimpleStatementLine):
        return len(row.body) == 1 and row.body[0] in marks
    if isinstance(row, cst.If) and row.orelse is None and _is_guard(row.test, name):
        return _all_are(row.body, marks)
    if isinstance(row, cst.Try) and row.finalbody is not None:
        return any(item in marks for item in walk(row.finalbody.body)) and any(
            _releases(source, item, marks, name)
            for item in row.finalbody.body.body
            if isinstance(item, (cst.SimpleStatementLine, Compound))
        )
    return False


def _all_are(suite: cst.BaseSuite, marks: list[Small]) -> bool:
    small = [item for item in walk(suite) if isinstance(item, (Small, Compound))]
    return bool(small) and all(item in marks for item in small)


def _is_guard(test: cst.BaseExpression, name: str) -> bool:
    """`name`, `name is not None`, `not name.closed`: true whenever the value is there and open."""
    match test:
        case cst.Name(value=value):
            return value == name
        case cst.Comparison(
            left=cst.Name(value=value), comparisons=[cst.ComparisonTarget(operator=cst.IsNot())]
        ):
            return value == name
        case cst.UnaryOperation(
            operator=cst.Not(),
            expression=cst.Attribute(value=cst.Name(value=value), attr=cst.Name(value="closed")),
        ):
            return value == name
    return False


def _harmless(source: Source, name: cst.Name) -> bool:
    """Whether a mention may stand behind the release."""
    parent = source.parent(name)
    if isinstance(parent, cst.Attribute):
        return parent.attr.value in HARMLESS_AFTER
    return source.is_store(name) or isinstance(parent, cst.Del)


def last_word(source: Source, call: cst.Call) -> str:
    """The last part of a call's callee: `load` of `json.load(...)`."""
    callee = call.func
    if isinstance(callee, cst.Attribute):
        return callee.attr.value
    return callee.value if isinstance(callee, cst.Name) else ""


def derived_from(source: Source, rows: list[Row], names: set[str]) -> tuple[int, set[str], set[str]]:
    """What is made of the values of `names`: the index of the last row that may need one (-1 for none), the
    names that may need one (what an unknown function returned), and those that do (an iterator, a cursor)."""
    last, loose, firm = -1, set(names), set(names)
    for number, item in enumerate(rows):
        if any(source.mentions(each, item) for each in loose):
            last = number
            for targets, value in _bindings(item):
                if _any(source, value, loose, lambda *part: not spent(*part)):
                    loose |= targets
                if _any(source, value, firm, hands_on):
                    firm |= targets
    return last, loose, firm


def _bindings(row: Row) -> Iterator[tuple[set[str], cst.BaseExpression]]:
    """The names that a row binds, with what they are bound to."""
    for node in walk(row, into_functions=False):
        if isinstance(node, (cst.Assign, cst.AnnAssign, cst.NamedExpr)) and node.value is not None:
            targets = (
                [each.target for each in node.targets] if isinstance(node, cst.Assign) else [node.target]
            )
            yield (
                {item.value for each in targets for item in walk(each) if isinstance(item, cst.Name)},
                node.value,
            )
        elif isinstance(node, cst.WithItem) and node.asname is not None:
            yield {item.value for item in walk(node.asname.name) if isinstance(item, cst.Name)}, node.item


def _any(
    source: Source,
    value: cst.BaseExpression,
    names: set[str],
    test: Callable[[Source, cst.BaseExpression, cst.BaseExpression], bool],
) -> bool:
    return any(test(source, item, value) for name in names for item in source.mentions(name, value))


def spent(source: Source, name: cst.BaseExpression, top: cst.BaseExpression) -> bool:
    """Whether the use of a name inside an expression is over once the expression has its value."""
    node: cst.CSTNode = name
    while node is not top:
        parent = source.parent(node)
        if parent is None:
            return False
        if isinstance(parent, cst.Call):
            word = last_word(source, parent)
            if node is parent.func:
                if word in EAGER_METHODS:
                    return True
            elif word in EAGER_CALLS:
                return True
        elif isinstance(parent, (cst.FormattedStringExpression, *_VALUES)):
            return True
        node = parent
    return isinstance(top, (cst.FormattedString, *_VALUES))


def against(
    source: Source, name: str, names: set[str], rows: list[Row], marks: list[Small]
) -> Refusal | None:
    """What speaks against ending the value's life at the end of these rows."""
    for node in (item for row in rows for item in walk(row)):
        line = (
            source.line_number(source.start(node)) if isinstance(node, (Small, Compound, *FUNCTIONS)) else 0
        )
        if isinstance(node, FUNCTIONS) and any(_ours(source, node, each) for each in names):
            return Refusal(f"a nested function (line {line}) still uses {name}")
        if isinstance(node, cst.GeneratorExp) and not consumed(source, node):
            if any(source.mentions(each, node) for each in names):
                where = source.line_number(source.start(node))
                return Refusal(f"a generator (line {where}) still uses {name} when the block is over")
            continue
        if (
            isinstance(node, cst.Return)
            and node.value is not None
            and _any(source, node.value, names, hands_on)
        ):
            return Refusal(f"what line {line} returns still needs {name}")
        if isinstance(node, (cst.Assign, cst.AnnAssign)) and node.value is not None and node not in marks:
            targets = node.targets if isinstance(node, cst.Assign) else [node]
            bare = isinstance(node.value, cst.Name) and node.value.value == name
            if bare and any(isinstance(each.target, (cst.Tuple, cst.List)) for each in targets):
                return Refusal(f"{name} is taken apart at line {line}: it is not the value itself")
            elsewhere = any(not isinstance(each.target, (cst.Name, cst.Tuple, cst.List)) for each in targets)
            if elsewhere and _any(source, node.value, names, hands_on):
                return Refusal(f"line {line} stores what still needs {name}")
    for item in source.mentions(name, rows):
        if source.is_store(item) and not _shadowed(source, item):
            return Refusal(f"{name} gets a new value at line {source.line_number(source.start(item))}")
    return None


def _shadowed(source: Source, name: cst.Name) -> bool:
    """Whether a binding belongs to an inner scope (a comprehension, a nested function's own name)."""
    for node in source.ancestors(name):
        if isinstance(node, (cst.CompFor, *FUNCTIONS)):
            return True
        if isinstance(node, (Small, Compound)):
            return isinstance(node, cst.FunctionDef) and node.name is not name
    return False


def consumed(source: Source, node: cst.GeneratorExp) -> bool:
    """Whether a generator is used up by the call it is an argument of."""
    arg = source.parent(node)
    call = source.parent(arg) if isinstance(arg, cst.Arg) else None
    return isinstance(call, cst.Call) and last_word(source, call) in EAGER_CALLS | {
        "update",
        "extend",
        "fromkeys",
    }


def hands_on(source: Source, item: cst.BaseExpression, value: cst.BaseExpression) -> bool:
    """Whether the value of an expression still needs a part of it when the part is gone.

    A call that is given the part and is not known to be lazy counts as done with it: the analysis that asked
    for this repair has judged who owns the value.
    """
    if spent(source, item, value):
        return False
    parent = source.parent(item)
    if isinstance(parent, cst.Attribute):
        call = source.parent(parent)
        if isinstance(call, cst.Call) and call.func is parent:
            return parent.attr.value in LAZY_CALLS or LAZY_METHODS.match(parent.attr.value) is not None
        parent = call
    if not isinstance(parent, cst.Arg):
        return True
    call = source.parent(parent)
    word = last_word(source, call) if isinstance(call, cst.Call) else ""
    return not word or word in LAZY_CALLS or word[0].isupper()


def _superfluous(hold: Hold, inner: list[Small]) -> Hold | Refusal:
    """Sort the explicit releases inside the rows: those right before a way out may go, others must stay."""
    for item in inner:
        if _before_exit(hold, item):
            hold.superfluous.append(item)
        else:
            hold.kept.append(item)
    return hold


def _before_exit(hold: Hold, release: Small) -> bool:
    """Whether control leaves the rows right behind this release, with nothing in between that could notice."""
    source = hold.source
    row = source.row(release)
    if row is None or not source.alone(release):
        return False
    body = source.rows(row)
    for item in body[body.index(row) + 1 :]:
        if not isinstance(item, cst.SimpleStatementLine) or source.mentions(hold.name, item):
            return False
        for small in item.body:
            if isinstance(small, (cst.Return, cst.Raise)):
                return isinstance(small, cst.Raise) or not any(
                    isinstance(node, cst.Call) for node in walk(small)
                )
            if isinstance(small, (cst.Break, cst.Continue)):
                loop = next(
                    (node for node in source.ancestors(small) if isinstance(node, (cst.For, cst.While))), None
                )
                return loop is not None and source.start(loop) < source.start(hold.row)
            calls = [node for node in walk(small) if isinstance(node, cst.Call)]
            if any(last_word(source, call) not in REPORTING | {"str", "repr", "format"} for call in calls):
                return False
    return _falls_out(hold, row)


def _falls_out(hold: Hold, row: Row) -> bool:
    """Whether nothing of the rows follows this row, which ends its block."""
    source = hold.source
    current: cst.CSTNode = row
    while not any(current is item for item in hold.rows):
        parent = source.parent(current)
        if parent is None or isinstance(parent, (cst.For, cst.While)):
            return False
        if isinstance(parent, cst.Try) and (parent.body is current or parent.finalbody is not None):
            return False
        if isinstance(parent, cst.IndentedBlock) and parent.body[-1] is not current:
            return False
        current = parent
    return current is hold.rows[-1]
