"""What `lazily` makes behaves as what the standard library makes."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from typing import Any, ClassVar

import pytest

from repairbot import lazily


def made(dataclass: Callable[..., Any]) -> tuple[Any, Any]:
    """The same two classes, by the given decorator."""

    @dataclass(frozen=True, slots=True)
    class Point:
        """A value."""

        x: int
        y: int = 2
        kind: ClassVar[str] = "point"

    @dataclass(slots=True)
    class Path:
        """A container."""

        points: list[Point] = field(default_factory=list)
        doubled: bool = False

        def __post_init__(self) -> None:
            self.doubled = len(self.points) > 1

    return Point, Path


@pytest.mark.parametrize("dataclass", [dataclasses.dataclass, lazily.dataclass])
def test_a_dataclass_is_one_before_and_after_its_methods_are_written(dataclass: Callable[..., Any]) -> None:
    point, path = made(dataclass)
    assert [each.name for each in fields(point)] == ["x", "y"]
    assert str(inspect.signature(point)) == "(x: 'int', y: 'int' = 2) -> None"
    assert not hasattr(point(1), "__dict__")
    assert {point(1): "a"}[point(1, 2)] == "a"
    assert point(1) != point(2)
    assert point(1) != (1, 2)
    assert repr(replace(point(1), y=3)).endswith("Point(x=1, y=3)")
    with pytest.raises(FrozenInstanceError):
        point(1).x = 2
    with pytest.raises(FrozenInstanceError):
        del point(1).x
    with pytest.raises(TypeError):
        point()
    assert path([point(1), point(2)]).doubled
    assert path().points is not path().points
    assert path() == path()
    with pytest.raises(TypeError, match="unhashable"):
        hash(path())


def test_an_expression_is_compiled_when_it_is_used_and_wrong_only_then() -> None:
    word = lazily.regex(r"[a-z]+", re.IGNORECASE)
    assert [match[0] for match in word.finditer("One two")] == ["One", "two"]
    assert word.sub("-", "One two") == "- -"
    assert word.pattern == r"[a-z]+"
    wrong = lazily.regex("(")
    with pytest.raises(re.error):
        wrong.search("")
