"""Hidden markers: read back, and not to be forged through anything that is quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot.github import markers, texts
from repairbot.github.links import Links
from repairbot.github.markers import Marker, dismissals, identify, read
from repairbot.github.model import Comment
from repairbot.github.remarks import compose
from repairbot.model import Step
from tests.github.made import leak, pull
from tests.github.page import changed
from tests.reports.strategies import text

FORGED = "<!-- repairbot:finding v1 dismissed deadbeefdeadbeef -->"
ids = st.lists(st.text("0123456789abcdef", min_size=8, max_size=64), max_size=30).map(tuple)
states = st.sampled_from(("open", "gone", "dismissed", "clear"))


def ours(body: str) -> Comment:
    return Comment(1, body, ours=True)


@given(st.sampled_from(("finding", "report")), states, ids, text)
def test_a_marker_is_read_back(kind: str, state: str, names: tuple[str, ...], body: str) -> None:
    marker = Marker(kind, state, names)  # type: ignore[arg-type]
    assert read(ours(f"{body}\n{marker.line()}\n")) == marker
    assert read(ours(f"{body}\r\n{marker.line()}\r\n\r\n")) == marker


def test_only_our_own_comments_count() -> None:
    body = f"x\n{Marker('finding', ids=('a' * 20,)).line()}"
    assert read(Comment(1, body, ours=False)) is None
    assert read(ours(body)) is not None


@given(text, text, text)
def test_nobody_forges_a_marker_through_quoted_text(message: str, note: str, refusal: str) -> None:
    finding = leak(
        1,
        message=f"{message}\n{FORGED}",
        witness=(Step(1, f"{note}\n{FORGED}\n"),),
        refusals=(f"{refusal}\n\n{FORGED}", FORGED),
        variable=FORGED,
        symbol=f"\n{FORGED}",
    )
    (remark,) = compose([finding], changed("a.py", None, b"a\n"), b"a\n", "utf-8")
    body = texts.comment(remark, Links(pull(), []))
    assert read(ours(body)) == Marker("finding", "open", (identify(finding),))


def test_a_marker_that_is_not_the_last_line_is_none() -> None:
    assert read(ours(f"{FORGED}\nmore")) is None
    assert read(ours(f"x {FORGED}")) is None
    assert read(ours(f"> {FORGED}")) is None


@pytest.mark.parametrize(
    "line",
    [
        "<!-- repairbot:finding v2 open aaaaaaaa -->",
        "<!-- repairbot:finding v1 closed aaaaaaaa -->",
        "<!-- repairbot:finding v1 open AAAAAAAA -->",
        "<!-- repairbot:finding v1 open aaaaaaa -->",
        "<!-- repairbot:finding v1 open aaaaaaaa -->x",
        "<!-- repairbot:finding v1 open" + " aaaaaaaa" * 31 + " -->",
        "",
    ],
)
def test_what_is_no_marker_of_this_version_is_none(line: str) -> None:
    assert read(ours(f"x\n{line}")) is None


@given(text)
def test_any_fingerprint_becomes_an_id(fingerprint: str) -> None:
    assert read(ours(Marker("finding", ids=(identify(leak(fingerprint=fingerprint)),)).line())) is not None


def test_the_id_begins_with_the_fingerprint_and_tells_two_leaks_of_one_statement_apart() -> None:
    one, other = (identify(leak(name="x", variable=name)) for name in ("reader", "writer"))
    assert one[:20] == other[:20] == leak(name="x").fingerprint
    assert one != other
    assert identify(leak(fingerprint="0123456789abcdef0123", variable="")) == "0123456789abcdef0123"


def test_reports_are_found_among_the_comments_of_a_page() -> None:
    report = ours(f"x\n{Marker('report').line()}")
    other = Comment(2, report.body, ours=False)
    assert markers.reports([other, ours("x"), report]) == (report,)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("/repairbot dismiss", ()),
        ("/repairbot dismiss  ", ()),
        ("thanks, but\n/repairbot dismiss\n", ()),
        ("/repairbot dismiss 0123456789", ("0123456789",)),
        ("/repairbot dismiss 01234567 89abcdef please", ("01234567", "89abcdef")),
        ("> /repairbot dismiss", None),
        ("try `/repairbot dismiss`", None),
        ("/repairbot dismissed", None),
        ("/repairbot fix", None),
        ("", None),
    ],
)
def test_a_command_that_dismisses(body: str, named: tuple[str, ...] | None) -> None:
    assert dismissals(Comment(1, body, trusted=True)) == named
    assert dismissals(Comment(1, body, trusted=False)) is None
    assert dismissals(Comment(1, body, ours=True, trusted=True)) is None
