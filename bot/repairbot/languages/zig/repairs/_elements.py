"""The release of all that a list or a map holds, one by one, before the list itself goes."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.zig.repairs import _binding, _release, _shown
from repairbot.languages.zig.repairs._source import Source, named, squeezed, walk
from repairbot.languages.zig.syntax import text
from repairbot.lifetimes.intents import Refusal

_LIST = re.compile(r"\bArray\w*List\w*\(|\barray_list\.|\bBoundedArray\(|\bArrayListUnmanaged\(")
_MAP = re.compile(r"HashMap\w*\(|\bBufMap\b")
_PUTS = frozenset(
    {"put", "putNoClobber", "putAssumeCapacity", "putAssumeCapacityNoClobber", "fetchPut", "getOrPutValue"}
)
_ADDS = frozenset({"append", "appendAssumeCapacity", "insert", "insertAssumeCapacity"})
_OTHERS = re.compile(
    r"^(?:appendSlice|insertSlice|addOne|addMany|getOrPut|appendNTimes|replaceRange|pushBack|prepend|resize|expand)"
)


def lines(source: Source, declared: Node, place: str, release: str, keyword: str) -> list[str] | Refusal:
    """The statement (`keyword`: defer or errdefer) that releases what a local holds, at no indentation."""
    made = re.sub(r"\s+", "", text(declared))
    function = source.function(declared)
    if function is None:
        return Refusal(f"{place} is not declared in a function")
    calls = [node for node in source.calls(function) if _method(node, place)]
    if any(_OTHERS.match(_method(node, place)) for node in calls):
        return Refusal(
            f"{place} is filled in more ways than one: whether it owns all that it holds is not known"
        )
    if _LIST.search(made):
        values = [named(node)[-1] for node in calls if _method(node, place) in _ADDS]
        if why := _foreign(source, values, place, release):
            return _shown.lines(source, declared, place, values, release, keyword) or Refusal(why)
        name = source.fresh(declared, "item", "element")
        return [f"{keyword} for ({place}.items) {_capture(release, name)} {_release.call(release, name)};"]
    if not _MAP.search(made):
        return Refusal(f"it is not known how to walk through {place}")
    puts = [named(node)[1:] for node in calls if _method(node, place) in _PUTS]
    puts = [arguments for arguments in puts if len(arguments) > 1]
    keys, values = ([arguments[index] for arguments in puts] for index in (-2, -1))
    what, iterator = (
        ("key", "keyIterator") if not _foreign(source, keys, place, release) else ("value", "valueIterator")
    )
    if not puts:
        return Refusal(f"{place} is filled in a way that is not followed")
    if what == "value" and (why := _foreign(source, values, place, release)):
        return Refusal(why)
    name, all_ = (
        source.fresh(declared, what, f"one_{what}"),
        source.fresh(declared, f"{what}s", f"all_{what}s"),
    )
    one = name if release.startswith(".") else f"{name}.*"
    return [
        f"{keyword} {{",
        f"{source.unit}var {all_} = {place}.{iterator}();",
        f"{source.unit}while ({all_}.next()) |{name}| {_release.call(release, one)};",
        "}",
    ]


def _capture(release: str, name: str) -> str:
    return f"|*{name}|" if release.startswith(".") else f"|{name}|"


def _method(node: Node, place: str) -> str:
    """The method that is called on a place, or ""."""
    callee = named(node)[0]
    if callee.type != "field_expression":
        return ""
    parts = named(callee)
    return text(parts[-1]) if len(parts) > 1 and squeezed(text(parts[0])) == place else ""


def _foreign(source: Source, values: list[Node], place: str, release: str) -> str:
    """Why not all that a place is given is its own to release, or ""."""
    for value in values:
        if not _own(source, value, release):
            return f"whether {place} owns {text(value)[:40]} (line {value.start_point[0] + 1}) is not known"
    return "" if values else f"{place} is filled in a way that is not followed"


def _own(source: Source, value: Node, release: str) -> bool:
    if value.type == "identifier":
        row = source.row(value)
        declared = _binding.declaration(source, row, text(value)) if row is not None else None
        if declared is None:
            return _capture_of(source, value, release)
        return _binding.holds(source, _binding.value_of(declared), release) == "value"
    return (
        any(node.type == "call_expression" for node in walk(value))
        and _binding.holds(source, value, release) == "value"
    )


def _capture_of(source: Source, name: Node, release: str) -> bool:
    """Whether a name is the capture of a call that makes it."""
    for above in source.ancestors(name):
        payload = next((child for child in above.children if child.type == "payload"), None)
        if (
            payload is not None
            and text(payload).strip("|* ") == text(name)
            and above.type in ("if_statement", "while_statement")
        ):
            condition = named(above)[0]
            held = _binding.holds(source, condition, release)
            return held in ("value", "optional") and any(n.type == "call_expression" for n in walk(condition))
    return False
