"""How long the objects of a class live, as far as its own file tells."""

from __future__ import annotations

import re
from typing import Final

from repairbot.languages.living import LONG, SHORT
from repairbot.languages.python.syntax import Definition, Module, text
from repairbot.lazily import regex
from repairbot.lifetimes.ops import Lives
from repairbot.model import Step

_SHORT_BASES: Final = regex(
    r"(?:NamedTuple|BaseModel|Exception|Error|TypedDict|Enum|NodeVisitor|NodeTransformer|TestCase|ABCMeta|type|Thread"
    r"LocalMixin|HTMLParser|Mock|Protocol\[|Visitor|Codemod|Command|Directive|Warning)$"
)
_LONG_BASES: Final = regex(
    r"(?:logging\.Handler|^Handler|Thread|BaseHTTPMiddleware|Middleware|Server|Service|Extension|Singleton\w*|Process|Greenlet"
    r"|DataUpdateCoordinator|Daemon)$"
)
_MADE: Final = regex(rb"=[ \t]*([A-Z_]\w*)\(")
_TARGET: Final = regex(rb"^([ \t]*)(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*$", re.MULTILINE)
_GLOBAL: Final = regex(rb"global[ \t]+([\w, \t]+)\n")
_LOOPS: Final = (
    "serve_forever",
    "run_forever",
    "serve",
    "main_loop",
    "mainloop",
    "run_loop",
    "event_loop",
    "listen",
)


def lifetime(owner: Definition, bases: tuple[str, ...], made: int) -> tuple[Lives, tuple[Step, ...]]:
    """How long one lives, with what says so. `made`: the line where the module keeps one, 0 for none."""
    line = owner.node.start_point[0] + 1
    if made:
        return "long", (Step(made, f"{owner.name} is made at module level"),)
    for base in bases:
        if _LONG_BASES.search(base):
            return "long", (Step(line, f"{owner.name} is a {base}"),)
    for base in bases:
        if _SHORT_BASES.search(base):
            return "short", (Step(line, f"{owner.name} is a {base}"),)
    if owner.parent is not None and owner.parent.kind == "function":
        return "short", (Step(line, f"{owner.name} is local to {owner.parent.name}()"),)
    for method in owner.children:
        if method.name in _LOOPS:
            return "long", (
                Step(method.node.start_point[0] + 1, f"{method.name}() runs as long as the service"),
            )
    if LONG.search(owner.name):
        return "long", (Step(line, f"{owner.name} lives as long as what it serves"),)
    if any(text(decorator).partition("(")[0].endswith("dataclass") for decorator in owner.decorators):
        return "short", (Step(line, f"{owner.name} is a dataclass"),)
    if SHORT.search(owner.name) or owner.name.startswith(("Test", "Mock", "Fake", "Stub")):
        return "short", (Step(line, f"a {owner.name} is made, used and dropped"),)
    for base in bases:
        if LONG.search(base):
            return "long", (Step(line, f"{owner.name} is a {base}"),)
    return "unknown", ()


def instances(module: Module) -> dict[str, int]:
    """The classes of which the module keeps an instance for good, with the line where it is made."""
    source = module.source
    made: dict[str, int] = {}
    names: set[bytes] | None = None
    for match in _MADE.finditer(source):
        target = _TARGET.search(source, source.rfind(b"\n", 0, match.start()) + 1, match.start())
        if target is None:
            continue
        if target[1]:
            if names is None:
                names = {name.strip() for found in _GLOBAL.finditer(source) for name in found[1].split(b",")}
            if target[2] not in names:
                continue
        made.setdefault(match[1].decode("utf-8", "replace"), source.count(b"\n", 0, match.start()) + 1)
    return made
