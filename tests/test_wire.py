"""What crosses to a child comes back as it was; what is not what its type says is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repairbot import wire
from repairbot.model import FileResult, Finding, Settings

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from(["\udc80", "\udcff", "\n", "\0"]), max_size=8)
st.register_type_strategy(str, TEXTS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "line", "fix", "x"]), inner)
    ),
    max_leaves=8,
)


@given(st.builds(FileResult))
def test_a_result_comes_back_as_it_was(result: FileResult) -> None:
    data = wire.encode(result)
    assert b"\n" not in data
    assert wire.decode(FileResult, data) == result


@given(st.builds(Finding))
def test_a_finding_comes_back_as_it_was(finding: Finding) -> None:
    assert wire.decode(Finding, wire.encode(finding)) == finding


def test_what_stands_at_its_default_is_not_sent() -> None:
    assert wire.encode(Settings()) == b"{}"


@given(JSON)
def test_other_json_is_refused_and_nothing_else_happens(value: object) -> None:
    with pytest.raises(wire.Malformed):
        wire.decode(FileResult, wire.encode(value))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[" * 100_000, b"\xff", b'{"path": 1, "language": "", "outcome": "clean"}']
)
def test_what_is_no_result_is_refused(data: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.decode(FileResult, data)
