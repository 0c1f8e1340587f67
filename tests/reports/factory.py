"""Small builders of Audits for the tests of reports, and one sample that every format is shown."""

from __future__ import annotations

from dataclasses import replace
from difflib import unified_diff
from typing import Any

from repairbot.model import Audit, Check, Edit, FileResult, Finding, Fix, Impact, Outcome, SafePattern, Step
from repairbot.reports import RuleInfo, Sample

CHECKS = tuple(
    Check(name, "passed") for name in ("parses", "comments kept", "finding gone", "nothing new", "idempotent")
)


def lines_of(text: str) -> list[str]:
    """Split at line feeds alone, as git does."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def diff_of(before: str, after: str, path: str = "service/health.py", context: int = 3) -> str:
    """The unified diff as `edits.py` makes it."""
    lines = unified_diff(lines_of(before), lines_of(after), f"a/{path}", f"b/{path}", n=context)
    return "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
    )


def edits_of(before: str, after: str) -> tuple[Edit, ...]:
    """One edit from the first byte that differs to the last one."""
    old, new = before.encode(), after.encode()
    start = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    tail = 0
    while tail < min(len(old), len(new)) - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return (Edit(start, len(old) - tail, new[start : len(new) - tail].decode(errors="replace")),)


def fix(before: str = "a\n", after: str = "b\n", path: str = "service/health.py", **changed: Any) -> Fix:
    values: dict[str, Any] = {
        "safety": "safe",
        "title": "close it on every path",
        "edits": edits_of(before, after),
        "diff": diff_of(before, after, path),
        "checks": CHECKS,
    }
    return Fix(**{**values, **changed})


def finding(path: str = "service/health.py", line: int = 1, **changed: Any) -> Finding:
    values: dict[str, Any] = {
        "rule": "never-released",
        "path": path,
        "line": line,
        "end_line": line,
        "column": 5,
        "symbol": "export",
        "variable": "conn",
        "severity": "high",
        "confidence": "high",
        "message": "conn is never closed",
        "witness": (Step(line, "acquired", "conn = connect(url)"),),
        "fingerprint": f"{path}:{line}",
    }
    return Finding(**{**values, **changed})


def file(path: str = "service/health.py", *findings: Finding, **changed: Any) -> FileResult:
    fixed = any(item.fix is not None and item.fix.safety == "safe" for item in findings)
    outcome = Outcome.REPAIRED if fixed else Outcome.REPORTED if findings else Outcome.CLEAN
    values: dict[str, Any] = {"path": path, "language": "python", "outcome": outcome, "findings": findings}
    return FileResult(**{**values, **changed})


def audit(*files: FileResult, **changed: Any) -> Audit:
    return Audit(**{"root": "/srv/project", "files": files, **changed})


HEALTH = """\
from collections import defaultdict, deque


class Health:
    def __init__(self, window):
        self.history = deque(maxlen=window)
        self.latencies = defaultdict(list)

    def record(self, agent, seconds):
        self.history.append(seconds)
        self.latencies[agent].append(seconds)
        self.count += 1

    def recent(self, agent):
        return self.latencies[agent][-100:]
"""
HEALTH_AFTER = HEALTH.replace(
    "append(seconds)\n        self.count",
    "append(seconds)\n        del self.latencies[agent][:-100]\n        self.count",
)
EXPORT = """\
def export(url):
    conn = connect(url)
    rows = fetch(conn)
    conn.close()
    return rows
"""
EXPORT_AFTER = """\
def export(url):
    with closing(connect(url)) as conn:
        rows = fetch(conn)
    return rows
"""
JOBS = """\
class Jobs:
    def submit(self, job):
        self.jobs.append(job)
"""


def sample(mode: str = "fix", dry: bool = True) -> Audit:
    """Two repairs, a choice, a leak without a repair, a potential one, safe places, all five outcomes."""
    latencies = finding(
        "service/health.py",
        11,
        rule="unbounded-collection",
        symbol="Health.record",
        variable="self.latencies",
        message="self.latencies grows in record() on every request and is never shrunk",
        witness=(Step(11, "grows here", "self.latencies[agent].append(seconds)"),),
        evidence=(
            Step(6, "its sibling is bounded", "self.history = deque(maxlen=window)"),
            Step(15, "all that anyone reads", "return self.latencies[agent][-100:]"),
        ),
        fix=fix(
            HEALTH,
            HEALTH_AFTER,
            title="keep the last 100 an agent",
            why="the last 100 an agent (line 15); trimmed, not a deque, because line 15 slices",
        ),
        impact=Impact("one number a request, kept per agent", "unbounded", "at most 100 an agent"),
    )
    export = finding(
        "service/export.py",
        2,
        rule="error-path-leak",
        message="conn is not closed when fetch() raises",
        witness=(
            Step(2, "acquired", "conn = connect(url)"),
            Step(3, "can raise", "rows = fetch(conn)"),
            Step(4, "never reached then", "conn.close()"),
        ),
        fix=fix(EXPORT, EXPORT_AFTER, "service/export.py"),
        impact=Impact("one connection a failed export", "until it is collected", "none"),
    )
    jobs = finding(
        "service/jobs.py",
        3,
        rule="unbounded-collection",
        symbol="Jobs.submit",
        variable="self.jobs",
        severity="medium",
        message="self.jobs grows on every request; nothing removes, nothing reads more than len()",
        witness=(Step(3, "grows here", "self.jobs.append(job)"),),
        fix=fix(
            JOBS,
            JOBS + "        del self.jobs[:-1000]\n",
            "service/jobs.py",
            safety="unsafe",
            title="keep the last 1,000",
            choice="Nothing in the code names a bound; this drops the oldest, say so if older ones matter",
        ),
        impact=Impact("one job a request", "unbounded", "at most 1,000"),
    )
    listener = finding(
        "service/jobs.py",
        9,
        rule="unremoved-listener",
        symbol="Jobs.start",
        variable="self.on_job",
        severity="medium",
        message="self.on_job stays registered on bus after stop()",
        witness=(
            Step(9, "registered", "bus.subscribe(self.on_job)"),
            Step(14, "no removal here", "def stop(self):"),
        ),
        refusals=("stop() is defined by a base class in another file",),
    )
    cache = finding(
        "service/cache.py",
        5,
        rule="unbounded-cache",
        symbol="Cache.get",
        variable="self._pages",
        severity="low",
        confidence="medium",
        message="self._pages may grow without bound: its keys come from a parameter",
        witness=(Step(5, "grows here", "self._pages[key] = page"),),
        refusals=("whether the keys are a finite set is not known",),
    )
    if mode == "fix":
        latencies, export = replace(latencies, applied=True), replace(export, applied=True)
    return audit(
        file("service/cache.py", cache),
        file("service/empty.py"),
        file("service/export.py", export),
        file(
            "service/health.py",
            latencies,
            safe_patterns=(
                SafePattern("service/health.py", 6, "Health", "self.history", "deque with maxlen=window"),
                SafePattern("service/health.py", 30, "dump", "open(path)", "closed by with on every path"),
            ),
        ),
        file("service/jobs.py", jobs, listener, notes=(Step(40, "run() passed over: 5,000 branches"),)),
        file("service/legacy.py", outcome=Outcome.SKIPPED, reason="does not parse: Python 2 print statement"),
        file("service/huge.py", outcome=Outcome.FAILED, reason="took more than 30 s"),
        mode=mode,
        dry=dry,
        seconds=1.25,
        suppressed=1,
        unknown=3,
    )


RULES = {
    info.id: info
    for info in (
        RuleInfo(
            "unbounded-collection",
            "A collection grows for ever",
            "A collection grows for ever.\n\nA member grows in code that runs again and again.",
            "Give every collection that lives as long as the process a bound.",
            "high",
            samples=(
                Sample("a.append(x)\n", "a.append(x)\ndel a[:-9]\n"),
                Sample("a = []\n", why="local", quiet=True),
            ),
        ),
        RuleInfo(
            "error-path-leak",
            "Released on the good path only",
            "Released on the good path only.",
            "Put the release next to the acquisition.",
        ),
    )
}
