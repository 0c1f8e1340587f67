"""The report as a page, looked at in a browser: on a phone, on a desk, printed; and what it does with hostile text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from repairbot.model import Measurement, Point, Proof, Side
from repairbot.reports import Options, measured, render
from tests import tools
from tests.reports.factory import sample

UP = tuple(Point(x, 1e6 + 2000.0 * x) for x in range(100))
LEVEL = tuple(Point(x, 1e6 + 900.0 * (x % 5)) for x in range(100))
GROWTH = Measurement(
    "python",
    "traced memory",
    "bytes",
    "iteration",
    Side("leaks", slope=2000, low=1990, high=2010, top=1.2e6, points=UP),
    Side("flat", top=1.1e6, points=LEVEL),
)
COUNTED = Measurement("zig", "leaks", "leaks", "run", Side("leaks", count=2), Side("flat"))
PROOF = Proof("zig build run", "the last commit", "2 repaired", 3, (GROWTH, COUNTED))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=tools.find("chromium"), args=["--no-sandbox"])
        yield started
        started.close()


def page_text() -> str:
    return render("html", replace(sample(), proof=PROOF), options=Options())


@pytest.mark.needs("chromium")
@pytest.mark.xdist_group("proof of a page")
@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1200, "light")])
def test_it_reads_well_on_a_phone_and_on_a_desk(
    browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_text())
    asked: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert asked == [file.as_uri()], "the page fetches nothing"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text() == "It leaked before and does not after"
    assert page.locator("#measured article").count() == 2
    curve = page.locator("svg").first.bounding_box()
    assert curve is not None
    assert curve["width"] > width * 0.6 or curve["width"] > 600
    for text in page.locator("svg text").all():
        box = text.bounding_box()
        assert box is not None
        assert box["x"] >= curve["x"], "a label is cut off"
        assert box["x"] + box["width"] <= curve["x"] + curve["width"] + 1
    page.close()


@pytest.mark.slow
@pytest.mark.needs("chromium")
@pytest.mark.xdist_group("proof of a page")
def test_it_can_be_printed(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page_text())
    page = browser.new_page()
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()


def test_what_was_read_stays_text() -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    audit = sample()
    file = next(each for each in audit.files if each.findings)
    finding = replace(file.findings[0], message=hostile, symbol=hostile, path=hostile)
    shown = replace(audit, files=(replace(file, findings=(finding,)),), proof=replace(PROOF, command=hostile))
    text = render("html", shown, options=Options())
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text


def test_markdown_has_the_table_with_a_curve_in_a_word() -> None:
    text = render("markdown", replace(sample(), proof=PROOF), options=Options())
    assert "#### Measured: it leaked before and does not after" in text
    assert re.search(r"\| traced memory \(python\) \| leaks: .*2,000.* bytes an iteration .*█", text)
    assert "| leaks (zig) | 2 leaks | no leaks |" in text


def test_words() -> None:
    assert measured.said(Side("leaks", slope=1, low=1, high=1), replace(GROWTH, unit="entries")) == (
        "leaks: +1 entry an iteration"
    )
    assert measured.said(Side("undecided", "too short"), GROWTH) == "not decided, because too short"
    assert measured.heading(
        replace(PROOF, measurements=(replace(COUNTED, after=Side("leaks", count=1)),))
    ) == ("0 of 1 measured leak gone after; 2 leaks became 1")
