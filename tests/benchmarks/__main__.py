"""`make bench TREE=... ZIG=...`: what a large tree costs, in units of a bare parse of the same tree.

A second tree, of Zig, is measured in units of its own.

The unit is tree-sitter parsing every Python file once, on one core, in this process. Every figure of a run
stands beside it, because seconds alone say more of the machine than of the program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import tree_sitter_python
import tree_sitter_zig
from tree_sitter import Language, Parser

from tests.benchmarks.measure import MEGABYTE, Measured, median, run
from tests.demo import copy_service

WHEEL = "homeassistant==2024.3.3"
"""What is fetched when no tree is named: 6,700 files, 33 MB of source, and nothing of it is installed."""
BIN = Path(sys.executable).parent
REPAIRBOT = str(BIN / "repairbot")
LEAK_RULES = "SIM115,B019,RUF006"
"""All that ruff knows of leaks."""


def fetch(into: Path) -> Path:
    """Fetch the wheel with pip and unpack it."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
    subprocess.run([*pip, "--only-binary=:all:", "--dest", str(into), WHEEL], check=True)
    tree = into / "tree"
    for wheel in into.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tree)
    return tree


def timed(work: Callable[[], object]) -> Measured:
    """One piece of work in this process."""
    start, processor = time.perf_counter(), time.process_time()
    work()
    return Measured(time.perf_counter() - start, time.process_time() - processor)


def read_all(tree: Path, suffix: str = ".py") -> list[bytes]:
    """The source of every file of a language, Python's by default."""
    return [path.read_bytes() for path in tree.rglob(f"*{suffix}") if path.is_file()]


def parse_all(sources: list[bytes], grammar: object = tree_sitter_python.language()) -> None:
    """Parse every source once."""
    parser = Parser(Language(grammar))
    for source in sources:
        parser.parse(source)


def audits(tree: Path, scratch: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, Measured]]:
    """Audits of the whole tree: cold (an empty cache) and warm (the same again), on one and two processes."""
    for jobs in ("1", "2"):
        cache = scratch / f"cache-{jobs}"
        env = {**environment, "XDG_CACHE_HOME": str(cache)}
        command = [REPAIRBOT, "audit", "--jobs", jobs, "--format", "json", "--output", os.devnull, str(tree)]
        processes = "one process" if jobs == "1" else "two processes"
        yield f"audit, cold, {processes}", run(command, scratch, env, memory=True)
        yield f"audit, warm, {processes}", run(command, scratch, env, memory=True)


def zig(tree: Path, scratch: Path, environment: Mapping[str, str]) -> None:
    """Print the cold audit of a tree of Zig on one process, in units of its own bare parse."""
    sources = read_all(tree, ".zig")
    grammar = tree_sitter_zig.language()
    unit = min((timed(lambda: parse_all(sources, grammar)) for _ in range(3)), key=lambda each: each.cpu)
    print(
        f"{len(sources):,} files of Zig, {sum(map(len, sources)) / 1e6:.1f} MB; a bare parse: {unit.cpu:.2f} s"
    )
    command = [REPAIRBOT, "audit", "--no-cache", "--jobs", "1", "--output", os.devnull, str(tree)]
    rows = [("bare parse of Zig, one core", unit)]
    rows.append(("audit of Zig, cold, one process", run(command, scratch, environment, memory=True)))
    print(*table(rows, unit), sep="\n")


def clean_files(tree: Path, into: Path, environment: Mapping[str, str], count: int = 5) -> list[str]:
    """Copies of `count` middle-sized files of the tree in which nothing is found: a job without rewriting."""
    names: list[str] = []
    candidates = sorted(
        (path for path in tree.rglob("*.py") if path.is_file()), key=lambda path: path.stat().st_size
    )
    middle = len(candidates) * 3 // 4
    for path in candidates[middle:] + candidates[:middle]:
        name = f"job_{len(names)}.py"
        shutil.copy(path, into / name)
        if run([REPAIRBOT, "audit", "--all", "--no-cache", name], into, environment).status == 0:
            names.append(name)
        if len(names) == count:
            break
    return names


def changed(folder: Path, names: list[str], environment: Mapping[str, str]) -> None:
    """Make a git repository of a folder, and a second commit in which these files have changed."""

    def git(*words: str) -> None:
        who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=folder, env=environment, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "--all")
    for name in names:  # as a pull request that brings these files
        git("rm", "--quiet", "--cached", name)
    git("commit", "--quiet", "--allow-empty", "--message", "before")
    git("add", "--all")
    git("commit", "--quiet", "--message", "after")


def jobs(
    tree: Path, scratch: Path, environment: Mapping[str, str], times: int
) -> Iterator[tuple[str, Measured]]:
    """What a pull request of five files costs, from the start of the process to its end."""
    yield "python -c pass", median([sys.executable, "-c", "pass"], scratch, environment, times)
    audit = [REPAIRBOT, "audit", "--no-cache", "--base", "HEAD~1", "."]
    clean = scratch / "clean"
    clean.mkdir()
    names = clean_files(tree, clean, environment)
    changed(clean, names, environment)
    title = f"job of {len(names)} files, nothing to rewrite"
    yield title, median(audit, clean, environment, times)
    service = copy_service(scratch)
    leaky = [f"waymark/{name}.py" for name in ("health", "export", "profiles", "events", "server")]
    changed(service, leaky, environment)
    title = f"job of {len(leaky)} files, with checked repairs"
    yield title, median(audit, service, environment, times)


def part(tree: Path, into: Path) -> Path:
    """A copy of every fourth Python file of the tree: what depends on the tree's size shows beside the whole."""
    for number, path in enumerate(sorted(tree.rglob("*.py"))):
        if number % 4 == 0 and path.is_file():
            copy = into / path.relative_to(tree)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return into


def many(into: Path, count: int = 20_000) -> Path:
    """So many small clean files: what each costs the parent's memory stands out."""
    for number in range(count):
        folder = into / f"part_{number // 500}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"module_{number}.py").write_text(f"def add_{number}(a):\n    return a + {number}\n")
    return into


def table(rows: list[tuple[str, Measured]], unit: Measured) -> Iterator[str]:
    """The rows as text; `cpu` is the processor time of all processes together, each beside its units."""
    yield f"{'':44}{'seconds':>9}{'units':>8}{'cpu':>9}{'units':>8}{'parent':>9}{'child':>9}"
    for name, measured in rows:
        times = f"{measured.seconds:>9.3f}{measured.seconds / unit.seconds:>8.2f}"
        times += f"{measured.cpu:>9.3f}{measured.cpu / unit.cpu:>8.2f}"
        memory = "".join(
            f"{size / MEGABYTE:>6.0f} MB" if size else f"{'':9}"
            for size in (measured.parent, measured.children)
        )
        note = "" if measured.status in (0, 1) else f"  ended with {measured.status}"
        yield f"{name:44}{times}{memory}{note}".rstrip()


def main(arguments: list[str]) -> int:
    """Measure everything on one tree and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        tree = Path(arguments[0]).resolve() if arguments else fetch(scratch)
        environment = {**os.environ, "XDG_CACHE_HOME": str(scratch / "cache"), "NO_COLOR": "1"}
        read_all(tree)  # the first read is the disk's, not ours
        reading = timed(lambda: read_all(tree))
        sources = read_all(tree)
        if not sources:
            print(f"{tree} holds no Python file", file=sys.stderr)
            return 2
        unit = min((timed(lambda: parse_all(sources)) for _ in range(3)), key=lambda each: each.cpu)
        size = sum(map(len, sources)) / 1e6
        print(f"{len(sources):,} files, {size:.1f} MB; one unit is a bare parse of them: {unit.cpu:.2f} s")
        rows = [("bare parse, one core", unit), ("read every file", reading)]
        rows += audits(tree, scratch, environment)
        quarter = part(tree, scratch / "quarter")
        command = [REPAIRBOT, "audit", "--no-cache", "--jobs", "1", "--output", os.devnull, str(quarter)]
        rows.append(("audit of a quarter of it", run(command, scratch, environment, memory=True)))
        command[-1] = str(many(scratch / "many"))
        rows.append(("audit of 20,000 small files", run(command, scratch, environment, memory=True)))
        ruff = [
            str(BIN / "ruff"),
            "check",
            "--isolated",
            "--no-cache",
            "--quiet",
            "--select",
            LEAK_RULES,
            str(tree),
        ]
        rows.append((f"ruff ({LEAK_RULES}), all cores", run(ruff, scratch, environment, memory=True)))
        one_core = {**environment, "RAYON_NUM_THREADS": "1"}
        rows.append((f"ruff ({LEAK_RULES}), one core", run(ruff, scratch, one_core, memory=True)))
        rows += jobs(tree, scratch, environment, times=7)
        print(*table(rows, unit), sep="\n")
        if len(arguments) > 1:
            zig(Path(arguments[1]).resolve(), scratch, environment)
    return 0 if all(measured.status in (0, 1) for _, measured in rows) else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
