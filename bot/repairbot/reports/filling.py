"""Templates filled in: Jinja2 over `repairbot_templates`, where only what went through `markup` is printed."""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from repairbot.reports.markup import Safe, cell, cell_code, clip, code, fence, own, plain, require_safe

SHORT: Final = 120
"""Characters of a title or a line of code in a list."""


@cache
def _environment() -> Environment:
    # No autoescape, which is for HTML. `finalize` refuses what went through no filter of markup.
    environment = Environment(
        loader=PackageLoader("repairbot_templates", ""),
        undefined=StrictUndefined,
        finalize=require_safe,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "capitalised": lambda text: own(text.capitalize()),
        "cell": cell,
        "cell_code": cell_code,
        "code": code,
        "counted": lambda number: own(f"{number:,}"),
        "fence": fence,
        "own": own,
        "plain": plain,
        "unstopped": lambda text: text.rstrip("."),
        "short": lambda text: clip(text, SHORT),
    }
    return environment


def fill_template(template: str, **values: object) -> Safe:
    """The template `NAME.md.j2` with these values."""
    return Safe(_environment().get_template(f"{template}.md.j2").render(**values))
