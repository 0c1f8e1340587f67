"""Reports: each format is a pure function of an Audit, in a module of its own that is imported on demand."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from types import ModuleType
from typing import Final, Literal, Protocol, cast, get_args

from repairbot.lazily import dataclass
from repairbot.model import Audit, Severity

Format = Literal["terminal", "markdown", "json", "sarif", "patch", "github", "html"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

LIMIT: Final = 65_536
"""Characters that a comment on GitHub holds; a Markdown report stays below."""


TOGETHER: Final = 500
"""Pieces of a report that are written at once."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An example of a rule: `after` None where nothing is repaired; `quiet` where it is not even a leak."""

    before: str
    after: str | None = None
    why: str = ""
    language: str = "python"
    quiet: bool = False
    unsafe: bool = False


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What reports may know of a rule; reports never import rules. `page` is its docstring (Markdown)."""

    id: str
    title: str = ""
    page: str = ""
    practice: str = ""
    severity: Severity = "medium"
    default: bool = True
    languages: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How a report is to look. A format reads what concerns it.

    `diff`: the terminal shows each repair as a diff. `unsafe`: unsafe fixes were (or are to be) applied too.
    `width`: columns of the terminal. `limit`: characters a Markdown report must stay below.
    """

    colour: bool = False
    verbose: bool = False
    quiet: bool = False
    diff: bool = False
    unsafe: bool = False
    width: int = 100
    limit: int = LIMIT
    rules: Mapping[str, RuleInfo] = field(default_factory=dict)


class Renderer(Protocol):
    """What the module of a format exposes as `render`."""

    def __call__(self, audit: Audit, options: Options) -> str: ...


_MODULES: Final[Mapping[str, str]] = {"json": "jsonreport"}


def _module(name: Format) -> ModuleType:
    return importlib.import_module(f"repairbot.reports.{_MODULES.get(name, name)}")


def load(name: Format) -> None:
    """Import what writes a format: best done while others work."""
    _module(name)


def render(name: Format, audit: Audit, *, options: Options | None = None) -> str:
    """The report in one format, ending in a line feed where it is not empty.

    A file's bytes that are not text stand in it as lone surrogates: write it with `encode()` from here.
    """
    return cast(Renderer, _module(name).render)(audit, options or Options())


def stream(name: Format, audit: Audit, *, options: Options | None = None) -> Iterator[bytes]:
    """The report as `render` has it, in pieces where the format can: no report of a large tree is held whole."""
    pieces = getattr(_module(name), "pieces", None)
    if pieces is None:
        yield encode(render(name, audit, options=options))
        return
    held: list[str] = []
    for piece in pieces(audit, options or Options()):
        held.append(piece)
        if len(held) >= TOGETHER:
            yield encode("".join(held))
            held.clear()
    yield encode("".join(held))


def encode(text: str) -> bytes:
    """A report's text as bytes, UTF-8, with the bytes of files in other encodings as they were."""
    return text.encode("utf-8", "surrogateescape")
