"""What well-known callees do with what they are given: the table zig-callees.toml."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from repairbot.lazily import dataclass
from repairbot.lifetimes.resources import tables

RELEASES: Final = re.compile(
    r"(?:^|[._])(?:deinit\w*|free\w*|destroy\w*|close\w*|release\w*|unref\w*|deref\w*|kill\w*|dispose\w*|cleanup\w*|delete\w*|drop"
    r"|terminate\w*|give_?back|put_?back|checkin|unload\w*|unmap\w*|munmap|argsFree|recycle\w*|uninit\w*|unlink|discard\w*)$",
    re.IGNORECASE,
)
"""Names of callees that release what they are given."""
STRONG: Final = re.compile(
    r"^(?:deinit\w*|destroy\w*|close|release\w*|unref|deref|free\w*|dispose|rollback)$"
)
"""Names of methods whose call shows that the value is held by whoever calls them."""
TAKEN: Final = re.compile(
    r"^(?:get\w*|pop\w*|next\w*|prev\w*|find\w*|remove\w*|fetch\w*|swap\w*|orderedRemove|peek\w*|first|last|items?|ptr|value|lookup"
    r"|at|await\w*|front|back|head|tail|curr\w*|top|self|as\w*|unwrap|is\w*|has\w*|cast\w*|to[A-Z]\w*|ref|retain|iterator|keyIterator"
    r"|valueIterator|writer|reader|allocator|len|count|dequeue|shift|take|root|parent|child\w*|min|max|cwd|stdin|stdout"
    r"|stderr)$"
)
"""Names of callees whose result belongs to somebody else, unless an allocator is passed."""
CONSTRUCTORS: Final = re.compile(
    r"^(?:init|create|new|open|from|parse|load|build|dupe|clone|make|read|start|compile|alloc|connect|spawn|copy|generate|render|format)"
    r"(?:[A-Z_]\w*)?$"
)
"""Names of functions whose result belongs to the caller."""
ENDS: Final = re.compile(r"(?:^|\.)(?:fatal\w*|panic\w*|oom|die|abort)$")


@dataclass(frozen=True, slots=True)
class Callees:
    """Qualified names, and ".method" for any receiver, by what they do (see the head of the table's file)."""

    borrows: frozenset[str]
    stores: frozenset[str]
    keeps: frozenset[str]
    ends: frozenset[str]
    managed: frozenset[str]
    unmanaged: frozenset[str]
    grows: frozenset[str]


@cache
def callees() -> Callees:
    """The table, read once."""
    data = tables("zig-callees")
    return Callees(**{name: frozenset(names) for name, names in data.items()})


def among(names: frozenset[str] | tuple[str, ...], qualified: str) -> bool:
    """Whether a qualified callee is one of these names."""
    head, dot, last = qualified.rpartition(".")
    return qualified in names or (bool(dot) and bool(head) and f".{last}" in names)
