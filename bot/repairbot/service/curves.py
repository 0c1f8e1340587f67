"""Small curves as SVG, of figures alone: how many leaks of a rule were fixed and dismissed, week by week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

WIDTH: Final = 110
HEIGHT: Final = 22
_EDGE: Final = 2


def trend(fixed: Sequence[int], dismissed: Sequence[int]) -> Markup:
    """Both series over the same spans, the oldest first; what it shows stands in its title for who cannot see it."""
    top = max(1, *fixed, *dismissed)
    lines = Markup("").join(
        Markup('<polyline class="{}" points="{}"/>').format(name, _points(series, top))
        for name, series in (("dismissed", dismissed), ("fixed", fixed))
        if any(series)
    )
    words = (
        f"{sum(fixed):,} fixed and {sum(dismissed):,} dismissed in {len(fixed)} weeks, at most {top:,} a week"
    )
    return Markup(
        '<svg class="trend" viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img"><title>{t}</title>'
        '<line class="floor" x1="0" x2="{w}" y1="{f}" y2="{f}"/>{l}</svg>'
    ).format(w=WIDTH, h=HEIGHT, t=words, f=HEIGHT - _EDGE, l=lines)


def _points(series: Sequence[int], top: int) -> str:
    across = (WIDTH - 2 * _EDGE) / max(1, len(series) - 1)
    return " ".join(
        f"{_EDGE + at * across:.1f},{HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * value / top:.1f}"
        for at, value in enumerate(series)
    )
