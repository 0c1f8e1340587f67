"""What was measured before and after, in words, as a sparkline and as a curve (SVG)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from repairbot.model import Finding, Measurement, Point, Proof, Side
from repairbot.reports.view import plural

_BARS: Final = "▁▂▃▄▅▆▇█"
_UNITS: Final = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_SINGLE: Final = {"entries": "entry", "processes": "process"}
WIDTH: Final = 24
LETTER: Final = 9
"""Width of a letter of a curve's labels where they are largest, on a phone."""


def amount(number: float, unit: str) -> str:
    """ "1.5 MiB", "12 descriptors", "+" never."""
    if unit == "bytes":
        for name, size in _UNITS:
            if abs(number) >= 10 * size or (name != "KiB" and abs(number) >= size):
                return f"{number / size:,.1f} {name}"
        return f"{number:,.0f} bytes"
    shown = f"{number:,.0f}" if abs(number) >= 10 or number == int(number) else f"{number:,.2g}"
    return f"{shown} {_SINGLE.get(unit, unit[:-1]) if shown == '1' else unit}"


def said(side: Side, measurement: Measurement) -> str:
    """The verdict of one side in words: "leaks: +96 bytes an iteration (95 to 97)", "flat, at most 2.0 MiB"."""
    if measurement.per == "run":
        size = f", {amount(side.bytes, 'bytes')}" if side.bytes else ""
        words = {
            "leaks": f"{plural(side.count, 'leak')}{size}",
            "flat": "no leaks",
            "undecided": "not decided",
        }[side.verdict]
    elif side.verdict == "leaks":
        low, most, high = (_figure(at, measurement.unit) for at in (side.low, side.slope, side.high))
        words = f"leaks: +{amount(side.slope, measurement.unit)} an {measurement.per}"
        words += f" ({low} to {high})" if low != most or most != high else ""
    else:
        words = "not decided" if side.verdict == "undecided" else "flat"
        if side.verdict == "flat" and side.points:
            words += f", at most {amount(side.top, measurement.unit)}"
    joint = ", because " if side.verdict == "undecided" else "; "
    return f"{words}{joint}{side.reason}" if side.reason else words


def _figure(number: float, unit: str) -> str:
    if abs(number) > 1e200:
        return "?"
    return amount(number, unit).removesuffix(f" {unit}")


def shown(proof: Proof) -> tuple[Measurement, ...]:
    """The measurements that say something: those with a leak on a side; without any, all that were decided."""
    telling = tuple(m for m in proof.measurements if "leaks" in (m.before.verdict, m.after.verdict))
    flaky = tuple(m for m in proof.measurements if m not in telling and (m.before.flaky or m.after.flaky))
    decided = tuple(m for m in proof.measurements if m.before.verdict == m.after.verdict == "flat")
    return telling + flaky or decided or proof.measurements


def quiet(proof: Proof) -> str:
    """The others in one line: "also flat on both sides: open descriptors, threads"."""
    rest = [m for m in proof.measurements if m not in shown(proof)]
    flat = list(dict.fromkeys(_title(m) for m in rest if m.before.verdict == m.after.verdict == "flat"))
    parts = [f"also flat on both sides: {', '.join(flat)}"] if flat else []
    other: dict[str, list[str]] = {}
    for each in rest:
        if "undecided" in (each.before.verdict, each.after.verdict):
            reason = each.before.reason if each.before.verdict == "undecided" else each.after.reason
            other.setdefault(reason, []).append(_title(each))
    parts += [f"not decided: {', '.join(dict.fromkeys(names))} ({reason})" for reason, names in other.items()]
    return "; ".join(parts)


def _title(measurement: Measurement) -> str:
    return f"{measurement.detector} {measurement.what}"


def title(measurement: Measurement) -> str:
    """What was measured: "traced memory (python)", with what was called in front."""
    subject = f"{measurement.subject}: " if measurement.subject else ""
    return f"{subject}{measurement.what} ({measurement.detector})"


def heading(proof: Proof) -> str:
    """The verdict of the whole in a sentence."""
    leaking = [m for m in proof.measurements if m.before.verdict == "leaks"]
    gone = [m for m in leaking if m.after.verdict == "flat"]
    worse = [m for m in proof.measurements if m.after.verdict == "leaks" and m.before.verdict == "flat"]
    if worse:
        return f"leaks after that did not leak before: {', '.join(_title(m) for m in worse)}"
    if leaking and len(gone) == len(leaking):
        return "it leaked before and does not after"
    if leaking:
        fewer = [m for m in leaking if m.after.count and m.after.count < m.before.count]
        counts = "".join(f"; {m.before.count} leaks became {m.after.count}" for m in fewer[:3])
        return f"{len(gone)} of {plural(len(leaking), 'measured leak')} gone after{counts}"
    if any(m.after.verdict == "leaks" for m in proof.measurements):
        return "it leaks after; before could not be decided"
    if any(m.before.verdict == "flat" for m in proof.measurements):
        return "nothing leaked before either: what was run does not reach the leak, or there is none"
    return "nothing could be decided"


def conditions(proof: Proof) -> str:
    """How it was measured, in a line."""
    runs = (
        f"{plural(proof.repeats, 'run')} of each side, alternating" if proof.repeats else "called by itself"
    )
    return f"before: {proof.before} · after: {proof.after} · {runs}"


def named(measurement: Measurement, findings: Sequence[Finding]) -> list[Finding]:
    """The findings that a measurement names."""
    return [finding for finding in findings if finding.fingerprint in measurement.findings]


def measured(finding: Finding, proof: Proof | None) -> list[Measurement]:
    """The measurements that name a finding and saw it leak."""
    return [
        m
        for m in (proof.measurements if proof else ())
        if finding.fingerprint in m.findings and m.before.verdict == "leaks"
    ]


def sparkline(points: Sequence[Point], low: float, high: float) -> str:
    """A curve in a word; both sides are drawn between the same ends."""
    if not points or high <= low:
        return _BARS[0] * min(len(points), WIDTH)
    count = min(len(points), WIDTH)
    chosen = [points[index * len(points) // count].y for index in range(count)]
    return "".join(_BARS[min(int((y - low) / (high - low) * len(_BARS)), len(_BARS) - 1)] for y in chosen)


def sparklines(measurement: Measurement) -> tuple[str, str]:
    """Before and after in one scale, both empty where leaks are counted."""
    values = [point.y for side in (measurement.before, measurement.after) for point in side.points]
    if not values:
        return "", ""
    low, high = min(values), max(values)
    return (
        sparkline(measurement.before.points, low, high),
        sparkline(measurement.after.points, low, high),
    )


def svg(measurement: Measurement, width: int = 640, height: int = 200) -> str:
    """The two curves over each other. Holds figures and words of ours alone, so nothing in it needs escaping."""
    sides = (measurement.before, measurement.after)
    every = [point for side in sides for point in side.points]
    if not every:
        return ""
    first, last = min(p.x for p in every), max(p.x for p in every)
    low, high = min(p.y for p in every), max(p.y for p in every)
    ends = amount(low, measurement.unit), amount(high, measurement.unit)
    left, below, above = 16 + LETTER * max(map(len, ends)), 28, 10
    across, up = (last - first) or 1.0, (high - low) or 1.0

    def place(point: Point) -> str:
        x = left + (point.x - first) / across * (width - left - 8)
        y = height - below - (point.y - low) / up * (height - below - above)
        return f"{x:.1f},{y:.1f}"

    lines = [
        f'<polyline class="{name}" points="{" ".join(map(place, side.points))}"/>'
        for name, side in zip(("before", "after"), sides, strict=True)
        if side.points
    ]
    texts = [
        (left - 6, above + 10, "end", ends[1]),
        (left - 6, height - below, "end", ends[0]),
        (left, height - 8, "start", f"{first:,.0f}"),
        (width - 8, height - 8, "end", f"{last:,.0f} {measurement.per}s"),
    ]
    words = [f'<text x="{x}" y="{y}" text-anchor="{at}">{text}</text>' for x, y, at, text in texts]
    axis = f'<path class="axis" d="M{left} {above}V{height - below}H{width - 8}"/>'
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{measurement.per}s against '
        f'{"bytes" if measurement.unit == "bytes" else "count"}, before and after">'
        f"{axis}{''.join(lines)}{''.join(words)}</svg>"
    )
