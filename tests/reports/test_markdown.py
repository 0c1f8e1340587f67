"""The Markdown report as GitHub shows it: complete, short where it can be, and below the limit."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given, settings

from repairbot.model import Audit, Outcome, SafePattern, Severity
from repairbot.reports import LIMIT, Options, markdown, render

from .factory import RULES, audit, file, finding, fix, sample
from .rendered import MAGIC, pages
from .strategies import audits

OPTIONS = Options(rules=RULES)
TAGS = {
    *("h3", "h4", "p", "br", "strong", "code", "pre", "ul", "ol", "li", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def test_everything_the_catalogue_names_is_in_it() -> None:
    text = render("markdown", sample(), options=OPTIONS)
    for part in (
        "### Leak audit: 2 would be repaired, 2 to decide, 1 to look at · 7 files",
        "| high | `service/health.py:11` | `self.latencies` grows in `record()` on every request",
        "#### High\n\n**1. `conn` is not closed when `fetch()` raises**",
        "`service/health.py:11` in `Health.record` · `unbounded-collection` · high, safe",
        "- line 3 `rows = fetch(conn)`: can raise\n- line 4 `conn.close()`: never reached then",
        "+        del self.latencies[agent][:-100]",
        "Bound: the last 100 an agent (line 15); trimmed, not a deque, because line 15 slices.",
        "Would be repaired: close it on every path. Behaviour stays.",
        "Checked: parses · comments kept · finding gone · nothing new · idempotent.",
        "Your choice: keep the last 1,000. Nothing in the code names a bound",
        "No repair: `stop()` is defined by a base class in another file.",
        "Other potential leaks (1)",
        "| low, medium confidence | `service/cache.py:5` |",
        "Verified safe (2)",
        "- `service/health.py:6` in `Health`: `self.history` · deque with `maxlen=window`",
        "| one number a request, kept per agent | unbounded | at most 100 an agent |",
        "- finding gone: passed for 3",
        "1. Write them: `repairbot fix`.",
        "- [x] 15 checks of repairs passed, 0 failed, 0 not run",
        "- [ ] 2 leaks decided",
        "- Put the release next to the acquisition. (`error-path-leak`)",
        "- `service/legacy.py` skipped: does not parse: Python 2 print statement",
        "Status: 2 repairs ready to apply; 2 leaks to decide; 1 place to look at; 1 failed; 1 suppressed",
    ):
        assert part in text, part
    assert "Left out" not in text


def test_it_renders_as_it_was_meant() -> None:
    for page in pages(render("markdown", sample(), options=OPTIONS)):
        assert set(page.tags) <= TAGS | {"input"}
        assert page.tags.count("table") == 3
        assert page.tags.count("details") == 3
        assert page.tags.count("pre") == 3


def test_the_words_follow_what_was_done() -> None:
    written = render("markdown", sample(dry=False), options=OPTIONS)
    assert "### Leak audit: 2 repaired, 2 to decide, 1 to look at · 7 files" in written
    assert "- [x] 2 repairs applied" in written
    assert "`repairbot fix`." not in written
    offered = render("markdown", sample("audit"), options=OPTIONS)
    assert "### Leak audit: 2 repairs offered, 2 to decide, 1 to look at · 7 files" in offered
    assert "Repair: close it on every path. Behaviour stays." in offered


def test_one_line_when_nothing_was_found() -> None:
    clean = audit(*(file(f"{n}.py") for n in range(14)))
    assert render("markdown", clean) == "No leaks in 14 files.\n"
    safe = SafePattern("0.py", 1, "f", "open()", "closed by with")
    skipped = file("x.py", outcome=Outcome.SKIPPED, reason="binary")
    told = replace(clean, files=(file("0.py", safe_patterns=(safe,)), skipped), baselined=2)
    assert render("markdown", told) == (
        "No leaks in 1 file; 1 place verified safe, 1 skipped, 2 known before (baseline).\n"
    )


def test_little_to_say_is_said_shortly() -> None:
    text = render("markdown", audit(file("a.py", finding("a.py", refusals=("it is returned too",)))))
    assert len(text) < 1_500
    assert "Impact\n" not in text
    assert "Practices" not in text
    assert "Verified safe" not in text


def many(count: int) -> Audit:
    """Findings of all severities, each with a repair, in a hundred files that hold safe places too."""
    grades: tuple[Severity, ...] = ("low", "high", "medium")
    results = []
    for number in range(100):
        path = f"src/package/module_{number}.py"
        leaks = [
            finding(
                path, line, severity=grades[line % 3], fix=fix("a\n" * 20, "a\n" * 19 + f"b{line}\n", path)
            )
            for line in range(1, count // 100 + 1)
        ]
        safe = tuple(SafePattern(path, line, "f", "open()", "closed by with") for line in range(20))
        results.append(file(path, *leaks, safe_patterns=safe))
    return audit(*results)


def told(text: str) -> dict[str, int]:
    """How many leaks of each severity the report says it left out."""
    return {
        name: int(number.replace(",", ""))
        for number, name in re.findall(r"([\d,]+) leaks? of severity (\w+)", text)
    }


def test_five_thousand_findings_are_cut_by_severity_and_counted() -> None:
    result = many(5_000)
    start = time.perf_counter()
    text = render("markdown", result, options=OPTIONS)
    assert time.perf_counter() - start < 5
    assert LIMIT * 0.85 < len(text) < LIMIT
    for page in pages(text):
        assert set(page.tags) <= TAGS | {"input"}
    counts = {name: sum(f.severity == name for f in result.findings) for name in ("high", "medium", "low")}
    in_full = len(re.findall(r"^\*\*\d+\. ", text, re.MULTILINE))
    in_a_line = len(re.findall(r"^- (?:high|medium|low) `", text, re.MULTILINE))
    left = told(text)
    assert in_full > 50
    assert in_a_line > 50
    assert in_full + in_a_line + sum(left.values()) == 5_000
    # The worst come first: as long as a high one is left out, nothing milder is shown.
    assert left["medium"] == counts["medium"]
    assert left["low"] == counts["low"]
    assert "verified places" in text


@pytest.mark.parametrize("limit", [2_000, 4_000, 10_000, 65_535, 65_536, 200_000])
def test_any_limit_is_kept(limit: int) -> None:
    text = render("markdown", many(300), options=Options(limit=limit))
    assert len(text) < limit
    assert text.startswith("### Leak audit: 300 repairs offered · 100 files\n")


def test_what_fits_is_whole() -> None:
    """A report is cut only where it would be as long as the limit."""
    whole = render("markdown", many(100), options=Options(limit=10**9))
    assert "Left out" not in whole
    assert render("markdown", many(100), options=Options(limit=len(whole) + 1)) == whole
    assert "Left out" in render("markdown", many(100), options=Options(limit=len(whole)))


def test_one_endless_diff_does_not_take_the_room_of_the_others() -> None:
    huge = finding("a.py", 1, fix=fix("".join(f"{n}\n" for n in range(30_000)), "", "a.py"))
    text = render("markdown", audit(file("a.py", huge, finding("a.py", 2, severity="low"))))
    assert len(text) < LIMIT
    assert "29,940 more lines: `repairbot audit --format patch`" in text
    assert "**2. " in text


@given(audits())
@settings(max_examples=150, deadline=None)
def test_nothing_that_was_read_becomes_markup(result: Audit) -> None:
    text = render("markdown", result, options=OPTIONS)
    assert len(text) < LIMIT
    for page in pages(text):
        assert set(page.tags) <= TAGS | {"input"}
        assert page.comments == 0
        assert page.tags.count("details") == page.tags.count("summary") <= 3
        assert not MAGIC.search(page.text), MAGIC.search(page.text)


def test_templates_print_only_through_filters() -> None:
    filters = {"plain", "cell", "code", "cell_code", "fence", "own", "counted"}
    templates = [item for item in files("repairbot_templates").iterdir() if item.name.endswith(".md.j2")]
    assert len(templates) >= 4
    for template in templates:
        for printed in re.findall(r"\{\{(.*?)\}\}", template.read_text("utf-8"), re.DOTALL):
            *_, last = printed.split("|")
            number = re.fullmatch(r" (?:number|step\.line) ", printed)
            name = re.match(r"\s*(\w+)", last)
            assert number or ("|" in printed and name and name[1] in filters | {"capitalised"}), printed


def test_a_rule_has_a_page() -> None:
    page = markdown.rule_page(RULES["unbounded-collection"])
    assert page.startswith("# A collection grows for ever\n\n`unbounded-collection` · high\n")
    assert "## Repaired\n\n```diff\n a.append(x)\n+del a[:-9]\n```\n" in page
    assert "## Not flagged: local\n\n```python\na = []\n```\n" in page
