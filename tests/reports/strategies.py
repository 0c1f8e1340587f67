"""Any Audit at all, for properties: texts hold whatever strings hold, and what is hostile more often."""

from __future__ import annotations

from hypothesis import strategies as st

from repairbot.model import Audit, Check, Edit, FileResult, Finding, Fix, Impact, Outcome, SafePattern, Step

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
lines = st.integers(0, 10_000)
step = st.builds(Step, lines, text, text)
steps = st.lists(step, max_size=3).map(tuple)
fixes = st.builds(
    Fix,
    st.sampled_from(("safe", "unsafe")),
    text,
    st.lists(st.builds(Edit, lines, lines, text), max_size=2).map(tuple),
    text.map(lambda line: "@@ -1 +1 @@\n-x\n+" + line.replace("\n", " ") + "\n") | text,
    st.lists(st.builds(Check, text, st.sampled_from(("passed", "failed", "not run")), text), max_size=3).map(
        tuple
    ),
    text,
    text,
)
impacts = st.builds(Impact, text, text | st.just("unbounded"), text)
grade = st.sampled_from(("low", "medium", "high"))
paths = text.map(lambda name: "src/" + name.replace("\0", "").replace("..", "").replace("\\", "") + ".py")


def _finding(path: str) -> st.SearchStrategy[Finding]:
    return st.builds(
        Finding,
        rule=st.sampled_from(("never-released", "unbounded-collection")) | text,
        path=st.just(path),
        line=lines,
        end_line=lines,
        column=lines,
        symbol=text,
        variable=text,
        severity=grade,
        confidence=grade,
        message=text,
        witness=steps,
        evidence=steps,
        fingerprint=text,
        fix=st.none() | fixes,
        refusals=st.lists(text, max_size=2).map(tuple),
        impact=impacts,
    )


def _file(path: str) -> st.SearchStrategy[FileResult]:
    return st.builds(
        FileResult,
        path=st.just(path),
        language=st.just("python"),
        outcome=st.sampled_from(Outcome),
        reason=text,
        findings=st.lists(_finding(path), max_size=3).map(tuple),
        safe_patterns=st.lists(
            st.builds(SafePattern, st.just(path), lines, text, text, text), max_size=2
        ).map(tuple),
        notes=steps,
        suppressed=lines,
    )


audits = st.builds(
    Audit,
    root=st.just(""),
    files=st.lists(paths, max_size=4, unique=True).flatmap(
        lambda names: st.tuples(*map(_file, sorted(names)))
    ),
    mode=st.sampled_from(("audit", "fix")),
    dry=st.booleans(),
    base=text,
    baselined=lines,
    suppressed=lines,
    unknown=lines,
    problems=st.lists(text, max_size=2).map(tuple),
)
