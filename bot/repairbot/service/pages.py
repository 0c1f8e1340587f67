"""Pages as the App answers them: Jinja2 with everything escaped, no script, and a policy that says so.

The style stands in the page, and the policy names it by its hash. So a page is one answer, and nothing else that it
might come to hold is run or fetched.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from repairbot.reports.html import prose
from repairbot.reports.markup import visible

PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("repairbot_templates", ""),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=lambda value: visible(value, "\n\t") if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = prose
    environment.globals |= {"style": Markup(_style())}
    return environment


@cache
def _style() -> str:
    loader = PackageLoader("repairbot_templates", "")
    return loader.get_source(Environment(), "app.css")[0]


@cache
def _style_hash() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


def headers(forms_to: str = "") -> dict[str, str]:
    """What goes with every page. `forms_to`: another origin that a form of it is sent to."""
    policy = {
        "default-src": "'none'",
        "style-src": f"'sha256-{_style_hash()}'",
        "img-src": "data:",
        "form-action": f"'self' {forms_to}".strip(),
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        **PLAIN,
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "interest-cohort=()",
    }


def page(template: str, *, status: int = 200, forms_to: str = "", **values: object) -> HTMLResponse:
    """The template `NAME.html.j2` with these values."""
    text = _environment().get_template(f"{template}.html.j2").render(**values)
    return HTMLResponse(text, status, headers(forms_to))
