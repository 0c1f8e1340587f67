"""One file from source to checked fix, through the door that the pipeline uses."""

from __future__ import annotations

import gc
from textwrap import dedent

import pytest

from repairbot import languages
from repairbot.edits import apply
from repairbot.examine import examine
from repairbot.model import FileResult, Outcome, Settings

LEAK = dedent(
    """\
    def load(path, parse):
        source = open(path)  # the source
        tree = parse(source.read())
        source.close()
        return tree
    """
)
FIXED = dedent(
    """\
    def load(path, parse):
        with open(path) as source:  # the source
            tree = parse(source.read())
        return tree
    """
)


def result(source: bytes, **settings: dict[str, bool]) -> FileResult:
    return examine(source, "pkg/load.py", languages.walk()["python"], Settings(**settings)).result  # type: ignore[arg-type]


def test_a_finding_carries_its_checked_fix() -> None:
    (finding,) = result(LEAK.encode()).findings
    assert (finding.rule, finding.line, finding.variable) == ("error-path-leak", 2, "source")
    assert finding.witness[0].code == "source = open(path)  # the source"
    assert finding.fix is not None
    assert apply(LEAK.encode(), finding.fix.edits).decode() == FIXED
    names = [check.name for check in finding.fix.checks]
    assert names == [
        "parses",
        "comments kept",
        "names bound",
        "bytes kept",
        "finding gone",
        "nothing new",
        "released once",
        "idempotent",
    ]
    assert finding.fix.diff == dedent(
        """\
        --- a/pkg/load.py
        +++ b/pkg/load.py
        @@ -1,5 +1,4 @@
         def load(path, parse):
        -    source = open(path)  # the source
        -    tree = parse(source.read())
        -    source.close()
        +    with open(path) as source:  # the source
        +        tree = parse(source.read())
             return tree
        """
    )
    assert result(FIXED.encode()).outcome is Outcome.CLEAN


def test_without_fixes_nothing_is_written() -> None:
    found = examine(LEAK.encode(), "load.py", languages.walk()["python"], Settings(), fixes=False)
    assert [finding.fix for finding in found.result.findings] == [None]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_stay(ends: str, head: bytes) -> None:
    source = head + LEAK.replace("\n", ends).encode()
    (finding,) = result(source).findings
    assert finding.fix is not None
    assert apply(source, finding.fix.edits) == head + FIXED.replace("\n", ends).encode()


def test_an_encoding_stays() -> None:
    text = "# coding: latin-1\nNAME = 'é'\n"
    source = (text + LEAK).encode("latin-1")
    found = result(source)
    (finding,) = found.findings
    assert finding.fix is not None
    assert apply(source, finding.fix.edits, found.encoding) == (text + FIXED).encode("latin-1")
    assert "NAME = 'é'" in finding.fix.diff


def test_a_fingerprint_survives_moves_and_spaces_and_tells_places_apart() -> None:
    (finding,) = result(LEAK.encode()).findings
    moved = "import os\n\n\n" + LEAK.replace("open(path)", "open( path )").replace("    ", "\t")
    (again,) = result(moved.encode()).findings
    assert again.fingerprint == finding.fingerprint
    (other,) = result(LEAK.replace("def load", "def fetch").encode()).findings
    assert other.fingerprint != finding.fingerprint


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"x = '\xff'\nopen(x).read()\n", "line 1 is not utf-8 (byte 0xff)"),
        (b"# coding: klingon\nopen(1)\n", "its coding cookie names an unknown encoding, klingon"),
    ],
)
def test_bytes_that_are_no_text_are_skipped(source: bytes, reason: str) -> None:
    found = result(source)
    assert (found.outcome, found.reason) == (Outcome.SKIPPED, reason)


def test_a_rule_that_is_off_says_nothing() -> None:
    assert result(LEAK.encode(), rules={"error-path-leak": False}).outcome is Outcome.CLEAN


def test_a_finding_without_a_repair_says_why() -> None:
    source = dedent(
        """\
        def load(path, parse):
            source = open(path); tree = parse(source.read())
            source.close()
            return tree
        """
    )
    (finding,) = result(source.encode()).findings
    assert finding.fix is None
    assert finding.refusals == ("the acquisition shares its line with other statements",)


LEAKS = {
    "python": b"def f(path):\n    file = open(path)\n    for line in file:\n        print(line)\n",
    "typescript": b"import * as fs from 'fs';\n\nexport async function f(path: string) {\n"
    b"  const file = await fs.promises.open(path);\n  console.log(await file.stat());\n}\n",
    "rust": b"fn f() {\n    let data = Box::new(1);\n    let _ = Box::into_raw(data);\n}\n",
    "zig": b'const std = @import("std");\n\nfn f(gpa: std.mem.Allocator) !usize {\n'
    b"    const data = try gpa.alloc(u8, 8);\n    return data.len;\n}\n",
}


@pytest.mark.parametrize(
    ("name", "fixes"),
    [("python", True), ("typescript", False), ("rust", True), ("zig", True)],
)
def test_nothing_is_left_for_the_collector(name: str, fixes: bool) -> None:
    """What refers to itself is found by going through all that there is: a tenth of an audit's time went there."""
    language, source = languages.walk()[name], LEAKS[name]
    examine(source, "example", language, Settings(), fixes=fixes)  # what is made once, is made
    gc.collect()
    gc.disable()
    try:
        for number in range(5):
            examine(source + b"\n" * number, "example", language, Settings(), fixes=fixes)
        assert gc.collect() < 100
    finally:
        gc.enable()
