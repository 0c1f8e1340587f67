"""`dataclass` and `pattern`: what would cost a short run most of its time, made cheaper.

Type checkers take the first for the one of the standard library, and so hold every `frozen`. At runtime nothing
guards it: a frozen class takes twice as long to make and to fill, and a run makes a hundred classes before its first
file and a million objects after.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, AnyStr, cast

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses

    def dataclass(cls=None, /, *, frozen=False, **how):
        """`dataclasses.dataclass`; what is frozen is hashed by its fields and not guarded."""

        def made(cls):
            hashed = frozen and how.get("eq", True) and "__hash__" not in cls.__dict__
            return dataclasses.dataclass(cls, unsafe_hash=hashed, **how)

        return made if cls is None else made(cls)


class _Pattern:
    """Compiles when it is first used; from then on its methods are those of the compiled pattern."""

    def __init__(self, text: Any, flags: int) -> None:
        self._how = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._how), name)
        setattr(self, name, found)
        return found


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """As `re.compile`, which is done on first use. A pattern that is wrong is an error only then."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))
