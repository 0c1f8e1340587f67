"""Python's own rungs of the ladder: it compiles, comments are kept, names still bind. Nothing is ever run."""

from __future__ import annotations

import builtins
import symtable
import warnings
from collections import Counter
from functools import lru_cache

from repairbot.languages.python.syntax import Module, text
from repairbot.model import Check, Edit

MODULE_NAMES = frozenset(
    {"__name__", "__file__", "__doc__", "__path__", "__spec__", "__package__", "__loader__", "__builtins__"}
    | {"__annotations__", "__class__", "__module__", "__qualname__", "__debug__", "WindowsError"}
)


def inspect(before: bytes, after: bytes, edits: tuple[Edit, ...]) -> tuple[Check, ...]:
    """The checks in the order of their cost; those behind the first that fails are not made."""
    checks: list[Check] = []
    for check in (_parses, _comments, _names):
        checks.append(check(before, after))
        if checks[-1].result == "failed":
            break
    return tuple(checks)


def _parses(before: bytes, after: bytes) -> Check:
    """By this Python's compiler, where it can read the file at all (newer syntax may be in it)."""
    wrong = _compiled(after)
    if not wrong:
        return Check("parses", "passed", "compiled")
    if not _compiled(before):
        return Check("parses", "failed", wrong)
    if Module(after, "").root.has_error:
        return Check("parses", "failed", "the tree has an error")
    return Check("parses", "passed", "this Python's compiler cannot read the file; the parser can")


def _compiled(source: bytes) -> str:
    """What the compiler says against a source, "" when nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source.decode(), "<repaired>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            return f"line {line}: {getattr(error, 'msg', error)}" if line else str(error)
        except (RecursionError, MemoryError):
            return "it is nested too deeply"
    return ""


def _comments(before: bytes, after: bytes) -> Check:
    was, now = _all_comments(before), _all_comments(after)
    lost = next(iter(was - now), None)
    if lost is not None:
        return Check("comments kept", "failed", f"lost: {lost[:60]}")
    return Check("comments kept", "passed")


@lru_cache(maxsize=4)
def _all_comments(source: bytes) -> Counter[str]:
    found: Counter[str] = Counter()
    offset, root = source.find(b"#"), None
    while offset >= 0:  # a query would visit every node
        root = root or Module(source, "").root
        node = root.descendant_for_byte_range(offset, offset + 1)
        comment = node is not None and node.type == "comment"
        if node is not None and comment:
            found[text(node)] += 1
        offset = source.find(b"#", node.end_byte if node is not None and comment else offset + 1)
    return found


def _names(before: bytes, after: bytes) -> Check:
    was, now = _free(before), _free(after)
    if was is None or now is None:
        return Check(
            "names bound", "not run", "the file cannot be compiled, or imports everything from a module"
        )
    lost = sorted(now - was)
    if lost:
        return Check("names bound", "failed", f"nothing binds {lost[0]}")
    return Check("names bound", "passed")


@lru_cache(maxsize=4)
def _free(source: bytes) -> set[str] | None:
    """The names that nothing in the file binds; None where that cannot be said."""
    if b"import *" in source:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = symtable.symtable(source.decode(), "<repaired>", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    bound = {each.get_name() for each in top.get_symbols() if each.is_assigned() or each.is_imported()}
    used: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for each in table.get_symbols():
            if each.is_global() or table is top:
                if each.is_referenced():
                    used.add(each.get_name())
                if each.is_declared_global() and each.is_assigned():
                    bound.add(each.get_name())
    return used - bound - MODULE_NAMES - set(dir(builtins))
