"""Any Audit at all, for properties: texts hold whatever strings hold, and what is hostile more often."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st

from repairbot.model import (
    SEVERITIES,
    Audit,
    Check,
    Edit,
    FileResult,
    Finding,
    Fix,
    Impact,
    Outcome,
    SafePattern,
    Step,
)

T = TypeVar("T")
HOSTILE = (
    *(
        "`",
        "``",
        "```\n",
        "````",
        "|",
        "\\|",
        "\\",
        "**",
        "_x_",
        "~~",
        "$x$",
        "[^1]",
        "[x]: y",
        "](http://x.y)",
        "![",
    ),
    *(
        "@octocat",
        "#12",
        "GH-7",
        "owner/repo#3",
        "a@b.cd",
        "http://x.y",
        "www.x.y",
        "<http://x>",
        "0123abc",
        ":smile:",
    ),
    *("<!-- x", "-->", "<b>", "</details>", "<script>", "&lt;", "&#64;octocat", "{{ x }}", "{% x %}"),
    *("# h", "- [ ] x", "1. x", "---", "===", "> q", "    x", "\t", " ", "x", "%0A", "::error::", ",", ":"),
    *("\n", "\r\n", "\r", "\n\n", "\x1b[2J", "\u202e", "\u200b", "\x00", "\u2028"),
)
text = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=6), max_size=6).map("".join)


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    """An audit whose texts all come from a few hostile ones: drawn fast, and easy to shrink."""
    pool = draw(st.lists(text, min_size=1, max_size=6))

    def word() -> str:
        return draw(st.sampled_from(pool))

    def some(make: Callable[[], T], most: int = 2) -> tuple[T, ...]:
        return tuple(make() for _ in range(draw(st.integers(0, most))))

    def line() -> int:
        return draw(st.integers(0, 10_000))

    def one_of(*choices: T) -> T:
        return draw(st.sampled_from(choices))

    def step() -> Step:
        return Step(line(), word(), word())

    def fix() -> Fix:
        added = word().replace("\n", " ")
        return Fix(
            safety=one_of("safe", "unsafe"),
            title=word(),
            edits=some(lambda: Edit(line(), line(), word())),
            diff=one_of(f"@@ -1 +1 @@\n-x\n+{added}\n", word()),
            checks=some(lambda: Check(word(), one_of("passed", "failed", "not run"), word())),
            choice=word(),
            why=word(),
        )

    def finding(path: str) -> Finding:
        return Finding(
            rule=one_of("unbounded-collection", word()),
            path=path,
            line=line(),
            end_line=line(),
            column=line(),
            symbol=word(),
            variable=word(),
            severity=one_of(*SEVERITIES),
            confidence=one_of(*SEVERITIES),
            message=word(),
            witness=some(step),
            evidence=some(step),
            fingerprint=word(),
            fix=fix() if draw(st.booleans()) else None,
            refusals=some(word),
            impact=Impact(word(), one_of("unbounded", word()), word()),
            applied=draw(st.booleans()),
        )

    def file(path: str) -> FileResult:
        return FileResult(
            path=path,
            language="python",
            outcome=one_of(*Outcome),
            reason=word(),
            findings=some(lambda: finding(path)),
            safe_patterns=some(lambda: SafePattern(path, line(), word(), word(), word())),
            notes=some(step),
            suppressed=line(),
        )

    names = {name.replace("\0", "").replace("..", "").replace("\\", "") for name in some(word, 3)}
    return Audit(
        root="",
        files=tuple(file(f"src/{name}.py") for name in sorted(names)),
        mode=one_of("audit", "fix"),
        dry=draw(st.booleans()),
        base=word(),
        baselined=line(),
        hidden=line(),
        suppressed=line(),
        unknown=line(),
        problems=some(word),
    )
