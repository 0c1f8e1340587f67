"""The patch, judged by git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from repairbot.reports import Options, encode, render

from .factory import (
    EXPORT,
    EXPORT_AFTER,
    HEALTH,
    HEALTH_AFTER,
    JOBS,
    audit,
    diff_of,
    file,
    finding,
    fix,
    sample,
)


def apply(root: Path, patch: bytes) -> None:
    subprocess.run(["git", "init", "-q", root], check=True)
    done = subprocess.run(["git", "apply", "-v", "-"], cwd=root, input=patch, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def write(root: Path, path: str, data: bytes) -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


def test_git_applies_every_safe_repair_and_nothing_else(tmp_path: Path) -> None:
    health = write(tmp_path, "service/health.py", HEALTH.encode())
    export = write(tmp_path, "service/export.py", EXPORT.encode())
    jobs = write(tmp_path, "service/jobs.py", JOBS.encode())
    patch = render("patch", sample("audit"))
    assert patch.startswith(
        "# left out: 1 unsafe repair; --unsafe-fixes puts them in\n--- a/service/export.py\n"
    )
    apply(tmp_path, encode(patch))
    assert health.read_text() == HEALTH_AFTER
    assert export.read_text() == EXPORT_AFTER
    assert jobs.read_text() == JOBS


def test_the_unsafe_ones_come_when_asked_for(tmp_path: Path) -> None:
    for path, text in (("health", HEALTH), ("export", EXPORT), ("jobs", JOBS)):
        write(tmp_path, f"service/{path}.py", text.encode())
    apply(tmp_path, encode(render("patch", sample("audit"), options=Options(unsafe=True))))
    assert (tmp_path / "service/jobs.py").read_text().endswith("del self.jobs[:-1000]\n")


CASES = {
    "CRLF": (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nnew\r\nc\r\n", "utf-8"),
    "no line feed at the end": (b"a\nb", b"a\nc", "utf-8"),
    "gains one at the end": (b"a\nb", b"a\nb\nc\n", "utf-8"),
    "latin-1": ("# é\na\n".encode("latin-1"), "# é\nß\n".encode("latin-1"), "latin-1"),
    "utf-8": ("# é\na\n".encode(), "# é\nß\n".encode(), "utf-8"),
    "form feed": (b"a\n\x0cb\nc\n", b"a\n\x0cB\nc\n", "utf-8"),
    "emptied": (b"a\n", b"", "utf-8"),
}


@pytest.mark.parametrize("name", CASES)
def test_bytes_are_kept(name: str, tmp_path: Path) -> None:
    before, after, encoding = CASES[name]
    target = write(tmp_path, "m.py", before)
    repair = fix(before.decode(encoding), after.decode(encoding), "m.py")
    result = audit(file("m.py", finding("m.py", fix=repair), encoding=encoding))
    apply(tmp_path, encode(render("patch", result)))
    assert (target.read_bytes() if target.exists() else b"") == after


@pytest.mark.parametrize(
    "path", ["a b.py", 'q"uote.py', "tab\there.py", "ünï.py", "new\nline.py", "back\\slash.py", "a+b=c.py"]
)
def test_any_path_is_found(path: str, tmp_path: Path) -> None:
    target = write(tmp_path, path, b"a\nb\n")
    apply(
        tmp_path, encode(render("patch", audit(file(path, finding(path, fix=fix("a\nb\n", "a\nc\n", "x"))))))
    )
    assert target.read_bytes() == b"a\nc\n"


def test_two_fixes_in_one_file_are_one_patch_and_the_third_is_named(tmp_path: Path) -> None:
    before = "".join(f"line {number}\n" for number in range(1, 21))
    write(tmp_path, "m.py", before.encode())
    one = finding("m.py", 3, fix=fix(before, before.replace("line 3\n", "three\n")))
    two = finding("m.py", 6, severity="medium", fix=fix(before, before.replace("line 6\n", "")))
    three = finding("m.py", 4, severity="low", fix=fix(before, before.replace("line 3\n", "drei\n")))
    patch = render("patch", audit(file("m.py", three, one, two)))
    assert patch.startswith("# left out: m.py:4 never-released: touches the lines of another repair\n")
    apply(tmp_path, encode(patch))
    assert (tmp_path / "m.py").read_text() == before.replace("line 3\n", "three\n").replace("line 6\n", "")


def test_nothing_to_apply_is_an_empty_patch() -> None:
    assert render("patch", audit(file("m.py", finding("m.py")), file("n.py"))) == ""
    assert diff_of("a\n", "a\n") == ""
