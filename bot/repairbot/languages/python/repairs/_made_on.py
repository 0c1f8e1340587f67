"""Whether every way through a compound statement makes a value for a name."""

from __future__ import annotations

import libcst as cst

from repairbot.languages.python.repairs._cst import Row, Source, walk


def makers(source: Source, row: Row, name: str) -> set[str]:
    """The callees by which a statement makes the value of a name."""
    found: set[str] = set()
    for node in walk(row, into_functions=False):
        if isinstance(node, cst.Assign) and isinstance(node.value, cst.Call):
            target = node.targets[0].target
            if isinstance(target, cst.Name) and target.value == name:
                found.add(source.text(node.value.func).rpartition(".")[2])
    return found


def made_on_every_way(source: Source, row: Row, name: str) -> bool:
    """Whether every way through a compound statement calls something for the name (or leaves)."""
    if isinstance(row, cst.If):
        return (
            row.orelse is not None
            and _makes(source, row.body, name)
            and _else_makes(source, row.orelse, name)
        )
    if isinstance(row, cst.Try) and row.orelse is None and row.finalbody is None:
        suites = [row.body, *(handler.body for handler in row.handlers)]
        return all(_makes(source, suite, name) for suite in suites)
    return False


def _else_makes(source: Source, part: cst.If | cst.Else, name: str) -> bool:
    return (
        made_on_every_way(source, part, name) if isinstance(part, cst.If) else _makes(source, part.body, name)
    )


def _makes(source: Source, suite: cst.BaseSuite, name: str) -> bool:
    """Whether a suite gives the name the value of a call, or leaves."""
    if not isinstance(suite, cst.IndentedBlock):
        return False
    for row in suite.body:
        if isinstance(row, cst.SimpleStatementLine):
            item = row.body[-1]
            if isinstance(item, (cst.Raise, cst.Return, cst.Continue, cst.Break)):
                return True
            if isinstance(item, cst.Assign) and isinstance(item.value, cst.Call):
                target = item.targets[0].target
                if (
                    isinstance(target, cst.Name)
                    and target.value == name
                    and not source.mentions(name, item.value)
                ):
                    return True
        elif isinstance(row, (cst.If, cst.Try)) and made_on_every_way(source, row, name):
            return True
    return False
