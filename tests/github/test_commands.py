"""Which lines of a comment are commands, and which only look like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.github.commands import HELP, MOST, VERBS, Command, Unclear, parse


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("/repairbot fix", Command("fix")),
        ("/repairbot fix all", Command("fix all")),
        ("/repairbot FIX  ALL ", Command("fix all")),
        ("/repairbot explain error-path-leak", Command("explain", "error-path-leak")),
        ("/repairbot explain `error-path-leak`", Command("explain", "error-path-leak")),
        ("/repairbot dismiss", Command("dismiss")),
        ("/repairbot dismiss at most one a shift", Command("dismiss")),
        ("/repairbot dismiss 0123abcd 89ab0123", Command("dismiss", named=("0123abcd", "89ab0123"))),
        ("/repairbot rerun", Command("rerun")),
        ("/repairbot help", Command("help")),
        ("/repairbot", Command("help")),
        ("Thank you.\r\n\r\n/repairbot rerun\r\n", Command("rerun")),
        ("```\ncode\n```\n/repairbot rerun", Command("rerun")),
        ("```\ncode\n`````\n/repairbot rerun", Command("rerun")),
        ("~~~ text\n```\n~~~\n/repairbot rerun", Command("rerun")),
        ("``` a `span` ```\n/repairbot rerun", Command("rerun")),
        ("<!-- hidden -->\n/repairbot rerun", Command("rerun")),
    ],
)
def test_a_line_that_begins_with_the_name_is_a_command(body: str, asked: Command) -> None:
    assert parse(body) == (asked,)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "please /repairbot fix",
        " /repairbot fix",
        "    /repairbot fix",
        "> /repairbot fix",
        "/repairbots fix",
        "/repairbot-fix",
        "/Repairbot fix",
        "`/repairbot fix`",
        "```\n/repairbot fix\n```",
        "```\n/repairbot fix",  # a fence that nobody closes goes on to the end
        "````\n```\n/repairbot fix\n````",
        "~~~\n/repairbot fix\n~~~",
        "  ```\n/repairbot fix\n  ```",
        "```\n    ```\n/repairbot fix",  # four blanks: part of the code
        "<!--\n/repairbot fix\n-->",
        "<!-- one line -- and the next\n/repairbot fix",
        "<pre>\n/repairbot fix\n</pre>",
        "<PRE class=x>\n/repairbot fix\n</pre>",
    ],
)
def test_what_is_quoted_or_shown_is_not_asked_for(body: str) -> None:
    assert parse(body) == ()


@pytest.mark.parametrize(
    "body", ["/repairbot dance", "/repairbot explain", "/repairbot explain a b", "/repairbot fix it"]
)
def test_what_begins_like_a_command_and_is_none_says_so(body: str) -> None:
    (asked,) = parse(body)
    assert isinstance(asked, Unclear)
    assert "dance" not in asked.why  # what was read is not repeated


def test_a_command_given_twice_counts_once_and_their_number_is_limited() -> None:
    assert parse("/repairbot rerun\n/repairbot rerun\n/repairbot fix") == (Command("rerun"), Command("fix"))
    many = "\n".join(f"/repairbot explain rule-{number}" for number in range(50))
    assert len(parse(many)) == MOST


def test_every_command_has_its_help_and_the_help_holds_no_command() -> None:
    assert set(HELP) == set(VERBS)
    assert parse("\n".join(f"- `/repairbot {verb}`: {text}" for verb, text in HELP.items())) == ()


@given(st.text(alphabet="/repairbot fix`~<!->\n\r \u2028", max_size=200))
def test_no_text_breaks_it_and_none_inside_a_longer_fence_is_read(body: str) -> None:
    parse(body)
    assert parse(f"{'`' * 300}\n{body}\n{'`' * 300}") == ()
