"""A tensor that is made only to read its data: `(await image.min().data())[0]`.

What waits cannot stand in `tf.tidy`, so nothing frees the tensor between `min()` and `data()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from repairbot.languages.typescript.classes import Classes
from repairbot.languages.typescript.syntax import Module, bare, statement_of
from repairbot.languages.typescript.tree import N
from repairbot.lazily import regex
from repairbot.lifetimes.intents import NAME_AND_RELEASE
from repairbot.lifetimes.ops import Idiom, Intent
from repairbot.model import Step

_TENSORS: Final = regex(rb"tensorflow|tfjs|\bTensor\b")
_OPERATIONS: Final = frozenset(
    "min max mean sum argMax argMin toFloat toInt toBool asType cast reshape expandDims squeeze flatten mul "
    "add sub div softmax sigmoid relu slice gather transpose concat norm square sqrt abs exp log predict pad "
    "tile equal greater less as1D as2D as3D as4D predictOnBatch execute resizeBilinear matMul dot".split()
)
"""Methods that give a new tensor."""


def find(module: Module, _: Classes) -> Iterator[Idiom]:
    """Tensors without a name whose data is waited for."""
    if not _TENSORS.search(module.source):
        return
    for call in module.calls:
        member = bare(call.kids[0]) if call.kids else None
        if (
            member is None
            or member.kind != "member_expression"
            or module.text(member.kids[-1]) not in ("data", "array")
        ):
            continue
        made = bare(member.kids[0])
        waited = call.up is not None and call.up.kind == "await_expression"
        if made is None or made.kind != "call_expression" or not waited:
            continue
        maker = bare(made.kids[0])
        if (
            maker is None
            or maker.kind != "member_expression"
            or module.text(maker.kids[-1]) not in _OPERATIONS
        ):
            continue
        yield _idiom(module, call, made, module.text(maker.kids[-1]))


def _idiom(module: Module, call: N, made: N, operation: str) -> Idiom:
    at = module.span(made)
    args = {"release": ".dispose", "scope": "none", "asynchronous": "", "name": f"{operation}Tensor"}
    title = f"name what {operation}() gives and dispose of it"
    return Idiom(
        "nameless-resource",
        module.symbol_at(call),
        "",
        at,
        f"what {operation}() makes has no name and is never disposed of",
        (Step(at.line, "made, read, and lost"),),
        confidence="high",
        intents=(Intent(NAME_AND_RELEASE, at, "", title, args, (module.span(statement_of(call)),)),),
    )
