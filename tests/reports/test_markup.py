"""Untrusted text stays text: rendered by markdown-it and by cmark-gfm, it comes out as it went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.reports.markup import cell, cell_code, clip, code, fence, plain, require_safe, visible

from .rendered import MAGIC, pages
from .strategies import text

HARMLESS = {"p", "code", "pre", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "strong", "h4"}
PLACES = (
    "{}",
    "before {} after",
    "- {}",
    "#### {}",
    "**{}**",
    "{} · {}",
    "| a | b |\n|---|---|\n| {} | end |\n",
)


def squeezed(words: str) -> str:
    """Renderers may fold blanks; nothing else."""
    return "".join(words.split())


@given(text)
def test_a_code_span_shows_exactly_its_text(untrusted: str) -> None:
    for page in pages(f"before {code(untrusted)} after"):
        assert set(page.tags) <= {"p", "code"}
        assert squeezed("".join(page.codes)) == squeezed(visible(untrusted))
        assert page.text.split() == ["before", "after"]


@given(text)
def test_a_cell_of_a_table_shows_exactly_its_text(untrusted: str) -> None:
    for page in pages(f"| a | b |\n|---|---|\n| {cell_code(untrusted)} | end |\n"):
        assert page.tags.count("td") == 2
        assert squeezed("".join(page.codes)) == squeezed(visible(untrusted))
        assert page.text.split() == ["a", "b", "end"]


@given(text, st.sampled_from(PLACES))
def test_a_sentence_stays_a_sentence_wherever_it_stands(untrusted: str, place: str) -> None:
    made = (cell(untrusted) if "|" in place else plain(untrusted)) or "nothing"
    empty = pages(place.replace("{}", "word"))
    for page, expected in zip(pages(place.replace("{}", made)), empty, strict=True):
        assert set(page.tags) <= HARMLESS
        assert [tag for tag in page.tags if tag not in {"code", "strong"}][:9] == [
            tag for tag in expected.tags if tag not in {"code", "strong"}
        ][:9]
        assert not MAGIC.search(page.text)
        assert page.comments == 0


@given(text)
def test_a_sentence_keeps_its_words(untrusted: str) -> None:
    page = pages(f"x {plain(untrusted)}")[0]
    shown = page.text + "".join(page.codes)
    assert sorted(squeezed(shown)) == sorted(
        "x" + squeezed(visible(" ".join(untrusted.split())).replace("`", ""))
    ) or ("`" in untrusted)


@given(text, st.sampled_from(("", "python", "diff")))
def test_a_block_shows_exactly_its_text_and_ends_where_it_should(untrusted: str, language: str) -> None:
    for page in pages(f"before\n\n{fence(untrusted, language)}\nafter\n"):
        assert page.tags == ["p", "pre", "code", "p"]
        shown = visible(untrusted.replace("\r\n", "\n"), keep="\n\t")
        assert page.codes[0].removesuffix("\n") == shown.removesuffix("\n")
        assert page.text.split() == ["before", "after"]


def test_names_and_calls_in_a_sentence_are_code() -> None:
    said = "self.jobs grows in record() twice, conn does not; see `x y` (line 4) at 1,000 and 2%."
    assert plain(said, "conn") == (
        "`self.jobs` grows in `record()` twice, `conn` does not; see `x y` (line 4) at 1,000 and `2%`."
    )


@pytest.mark.parametrize(
    "word",
    [
        "@octocat",
        "#12",
        "GH-7",
        "x-1-2",
        "(0123abc)",
        "a/b#3",
        "0123abc",
        "www.x.y",
        "http://x",
        ":smile:",
        "1.",
    ],
)
def test_what_github_would_link_is_code(word: str) -> None:
    assert plain(word).startswith("`")


def test_what_cannot_be_seen_is_shown_as_an_escape() -> None:
    assert visible("a\u202eb\x1b\u200bc\ufe0f\x00\udc80") == r"a\u202eb\x1b\u200bc\ufe0f\x00\udc80"
    assert visible("naïve ✓ 漢") == "naïve ✓ 漢"


def test_a_language_is_ours_or_nothing() -> None:
    with pytest.raises(ValueError, match="not a language name"):
        fence("x", "py`\n")


def test_the_gate_lets_only_what_was_made_safe_through() -> None:
    assert require_safe(code("x")) == "`x`"
    assert require_safe(3) == 3
    with pytest.raises(TypeError, match="went through no filter"):
        require_safe("x")


def test_clip_says_that_it_cut() -> None:
    assert clip("abc", 3) == "abc"
    assert clip("abcd", 3) == "ab…"
