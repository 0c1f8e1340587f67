"""`dataclass` and `regex`: what a module defines with them is written and compiled when it is first used.

To import the modules of one small audit, the standard library spent half the time on that: it compiles up to six
methods a dataclass, and most of the classes are never made; and most files ask for few of the expressions. Here the
library still finds the fields and writes every method, but on a twin of the class, when a method is looked up.

Type checkers see the library's own.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "regex"]

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from re import compile as regex
else:

    def dataclass(kind=None, /, *, frozen=False, slots=False, eq=True):
        """As dataclasses.dataclass, for what this project uses of it."""

        def made(kind):
            own = vars(kind).keys()
            record = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(kind)
            methods = [
                "__init__",
                "__repr__",
                *(["__eq__"] if eq else []),
                *(["__hash__"] if eq and frozen else []),
            ]
            for name in methods:
                if name not in own:
                    setattr(record, name, _Later(record, name, frozen))
            if eq and not frozen:
                record.__hash__ = None
            if frozen:
                record.__setattr__, record.__delattr__ = _set, _delete
            return record

        return made if kind is None else made(kind)

    class regex:  # noqa: N801
        """As re.compile; becomes the compiled expression's methods as soon as one of them is asked for."""

        def __init__(self, text, flags=0):
            self._source = text, flags

        def __getattr__(self, name):
            compiled = re.compile(*self._source)
            for method in ("search", "match", "fullmatch", "finditer", "findall", "sub", "split"):
                setattr(self, method, getattr(compiled, method))
            return getattr(compiled, name)


class _Later:
    """Stands for a method until someone looks it up."""

    __slots__ = ("frozen", "kind", "name")

    def __init__(self, kind: type, name: str, frozen: bool) -> None:
        self.kind, self.name, self.frozen = kind, name, frozen

    def __get__(self, instance: object, owner: type) -> Any:
        return self.write().__get__(instance, owner)

    def write(self) -> Any:
        """Have the method written and put it in its place."""
        written = vars(self._twin())[self.name]
        setattr(self.kind, self.name, written)
        return written

    def _twin(self) -> type:
        """A class with the same fields, and the method."""
        kind, name = self.kind, self.name
        fields = {field.name: field for field in dataclasses.fields(kind)}
        held: dict[str, Any] = {
            **fields,
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "__doc__": kind.__doc__ or "",
            "__annotations__": {field.name: field.type for field in fields.values()},
        }
        if hasattr(kind, "__post_init__"):
            held["__post_init__"] = kind.__post_init__
        wanted = {
            "init": name == "__init__",
            "repr": name == "__repr__",
            "eq": name in ("__eq__", "__hash__"),
        }
        return dataclasses.dataclass(frozen=self.frozen, **wanted)(type(kind.__name__, (), held))


def _set(record: object, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(record: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
