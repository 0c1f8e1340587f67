"""Dataclasses to JSON and back, typed: what crosses to a child process and what the cache keeps.

Never pickle: the child has read hostile data, and its answer is held against the types here. Fields that
stand at their default are left out, so a clean file costs a few bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Decoder = Callable[[Any], Any]


class Malformed(ValueError):
    """A message that is not what its type says."""


def encode(value: object) -> bytes:
    """JSON in one line, ASCII."""
    return _ENCODER.encode(value).encode()


def decode(kind: type[T], data: bytes) -> T:
    """The value of `kind` that `data` holds. Raises Malformed."""
    try:
        return build(kind, json.loads(data))
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error


def build(kind: type[T], value: object) -> T:
    """The value of `kind` from parsed JSON. Raises Malformed."""
    whole: Any = kind
    built: T = _decoder(whole)(value)
    return built


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: held
            for name, default in _defaults(type(value))
            if (held := getattr(value, name)) is not default and held != default
        }
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(default=_plain, separators=(",", ":"))
"""Made once: json.dumps makes one for every call with arguments like these."""


@cache
def _defaults(kind: Any) -> tuple[tuple[str, object], ...]:
    return tuple(
        (field.name, field.default_factory() if field.default_factory is not MISSING else field.default)
        for field in fields(kind)
    )


@cache
def _decoder(kind: Any) -> Decoder:
    """How to read `kind`. Covers what the model uses and nothing else."""
    origin, arguments = get_origin(kind), get_args(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _record(kind)
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _row(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _member(kind)
    if kind in (str, int, float, bool):
        return _scalar(kind)
    if origin is Literal:
        return _choice(frozenset(arguments))
    if origin in (Union, UnionType) and len(arguments) == 2 and type(None) in arguments:
        inner = _decoder(arguments[0] if arguments[1] is type(None) else arguments[1])
        return lambda value: None if value is None else inner(value)
    if origin is tuple and len(arguments) == 2 and arguments[1] is ...:
        return _sequence(tuple, _decoder(arguments[0]))
    if origin in (list, set):
        return _sequence(origin, _decoder(arguments[0]))
    if origin is dict:
        return _table(_decoder(arguments[1]))
    if kind is object:
        return lambda value: value
    raise TypeError(f"{kind!r} cannot be sent")


def _record(kind: type) -> Decoder:
    hints = get_type_hints(kind)
    decoders = {field.name: _decoder(hints[field.name]) for field in fields(kind)}

    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise Malformed(f"{kind.__name__} is not a table")
        try:
            return kind(**{name: decoders[name](held) for name, held in value.items()})
        except (KeyError, TypeError) as error:
            raise Malformed(f"{kind.__name__}: {error}") from error

    return read


def _row(kind: Any) -> Decoder:
    hints = get_type_hints(kind)
    decoders = [_decoder(hints[name]) for name in kind._fields]

    def read(value: object) -> object:
        if not isinstance(value, list) or len(value) != len(decoders):
            raise Malformed(f"{kind.__name__} is not a row of {len(decoders)}")
        return kind(*(decoder(held) for decoder, held in zip(decoders, value, strict=True)))

    return read


def _member(kind: type[Enum]) -> Decoder:
    def read(value: object) -> object:
        try:
            return kind(value)
        except ValueError as error:
            raise Malformed(str(error)) from error

    return read


def _scalar(kind: type) -> Decoder:
    def read(value: object) -> object:
        if type(value) is kind or (kind is float and type(value) is int):
            return value
        raise Malformed(f"{value!r:.40} is not {kind.__name__}")

    return read


def _choice(allowed: frozenset[object]) -> Decoder:
    def read(value: object) -> object:
        if isinstance(value, str | int | bool) and value in allowed:
            return value
        raise Malformed(f"{value!r:.40} is not among {sorted(map(str, allowed))}")

    return read


def _sequence(kind: Any, inner: Decoder) -> Decoder:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise Malformed(f"{value!r:.40} is not a list")
        return kind(map(inner, value))

    return read


def _table(inner: Decoder) -> Decoder:
    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise Malformed(f"{value!r:.40} is not a table")
        return {key: inner(held) for key, held in value.items()}

    return read
