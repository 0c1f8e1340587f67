"""How long the objects of a class live, as far as its own file tells."""

from __future__ import annotations

from typing import Final

from repairbot.languages.living import LONG, SHORT
from repairbot.languages.typescript.syntax import Module
from repairbot.languages.typescript.tree import N
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Lives
from repairbot.model import Step

_LONG_BASES: Final = regex(
    r"(?:Service|Server|Disposable|EventEmitter|Manager|Provider|Singleton|Dispatcher\w*|Adapter|Plugin)$"
)
_SHORT_BASES: Final = regex(r"(?:Error|Transform|Visitor|Event)$")
_KEPT: Final = regex(
    rb"(?m)^(?:export[ \t]+)?(?:default[ \t]+)?(?:(?:const|let|var)[ \t]+[\w$]+[^=\n;]*=[ \t]*"
    rb"|module\.exports[ \t]*=[ \t]*|exports\.\w+[ \t]*=[ \t]*)?new ([A-Z]\w*)\("
)
_SINGLE: Final = regex(r"\bstatic\s+(?:async\s+)?(?:get\s+)?(?:_?instance|getInstance)\b|@Injectable\(")


def lifetime(module: Module, name: str, bases: tuple[str, ...], node: N) -> tuple[Lives, tuple[Step, ...]]:
    """How long one lives, with what says so."""
    line = module.line(node.start)
    if f"new {name}(".encode() in module.source:
        for match in _KEPT.finditer(module.source):
            if match[1].decode() == name:
                return "long", (Step(module.line(match.start()), f"{name} is made at module level"),)
    around = module.source[max(0, node.start - 200) : node.end].decode("utf-8", "replace")
    if _SINGLE.search(around):
        return "long", (Step(line, f"{name} is one for the whole program"),)
    for base in bases:
        last = base.rpartition(".")[2]
        if _SHORT_BASES.search(last):
            return "short", (Step(line, f"{name} is a {base}"),)
        if _LONG_BASES.search(last) or LONG.search(last):
            return "long", (Step(line, f"{name} is a {base}"),)
    if LONG.search(name):
        return "long", (Step(line, f"{name} lives as long as what it serves"),)
    if SHORT.search(name) or name.startswith(("Test", "Mock", "Fake", "Stub")):
        return "short", (Step(line, f"a {name} is made, used and dropped"),)
    return "unknown", ()
