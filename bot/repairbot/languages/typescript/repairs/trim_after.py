"""Behind the growth, the oldest entries go."""

from __future__ import annotations

import re

from repairbot.languages.typescript.repairs._source import Source
from repairbot.languages.typescript.tree import N
from repairbot.lifetimes.intents import TRIM_AFTER, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (TRIM_AFTER,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """A trim behind each growing statement."""
    edits: list[Edit] = []
    for span, target in zip(intent.spans, intent.args["target"].split("\n"), strict=True):
        found = source.node(span)
        row = found if source.is_row(found) else source.row(found)
        lines = _trim(source, found, target, intent.args["bound"], intent.args["kind"], _made(source, target))
        if isinstance(lines, Refusal):
            return lines
        if row is None or row is not found:
            if found.kind != "expression_statement" or found.up is None:
                return Refusal("the growth is part of an expression")
            edits.append(source.braced(found, [source.text(found), *lines]))
        else:
            edits.append(source.after(row, lines))
    return tuple(edits)


def _made(source: Source, target: str) -> str:
    """What a collection is made as: Map, Set, Array or an object."""
    name = target.rpartition(".")[2]
    text = source.data.decode()
    found = re.search(
        rf"(?<![\w$]){re.escape(name)}\s*(?:[?!]?\s*:[^=;\n]*)?=\s*(new\s+\w+|\[|\{{|Object\.create)", text
    )
    if found is None:
        return ""
    return (
        found[1].split()[-1].replace("[", "Array").replace("{", "Object").replace("Object.create", "Object")
    )


def _trim(source: Source, near: N, target: str, bound: str, kind: str, made: str) -> list[str] | Refusal:
    if kind == "list":
        grown = source.text(near)
        if re.search(r"\.unshift\(", grown):
            return [f"if ({target}.length > {bound}) {{", f"\t{target}.length = {bound}", "}"]
        if re.search(r"\.push\((?![^()]*\.\.\.)", grown):
            return [f"if ({target}.length > {bound}) {{", f"\t{target}.shift()", "}"]
        return [f"if ({target}.length > {bound}) {{", f"\t{target}.splice(0, {target}.length - {bound})", "}"]
    if made not in ("Map", "Set"):
        return Refusal("a plain object does not keep the order in which its keys came")
    oldest = source.fresh(near, "oldest", "oldestKey")
    each = "keys" if made == "Map" else "values"
    return [
        f"if ({target}.size > {bound}) {{",
        f"\tconst {oldest} = {target}.{each}().next().value",
        f"\tif ({oldest} !== undefined) {target}.delete({oldest})",
        "}",
    ]
