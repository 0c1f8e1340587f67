"""The git side of the rig: a bare repository, commits made in it without a work tree, real diffs out of it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Content = str | bytes | None
"""A file's content; None removes it. A tuple of mode and content (or a commit's name) makes anything else."""
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
STATUS = {"A": "added", "D": "removed", "M": "modified", "T": "changed", "R": "renamed", "C": "copied"}


@dataclass(frozen=True, slots=True)
class Changed:
    """One file of a diff. `patch`: its hunks as GitHub sends them, None where git sees binary content."""

    path: str
    previous: str
    status: str
    name: str
    patch: str | None

    def lines(self, side: str) -> list[range]:
        """The lines that each hunk shows on one side."""
        found = []
        for match in HUNK.finditer(self.patch or ""):
            start, count = (match[1], match[2]) if side == "LEFT" else (match[3], match[4])
            length = 1 if count is None else int(count)
            found.append(range(int(start), int(start) + length))
        return found


@dataclass(slots=True)
class Repository:
    """A bare repository in `path`; made when it is not there."""

    path: Path
    _diffs: dict[tuple[str, str], list[Changed]] = field(default_factory=dict)
    _maps: dict[tuple[str, str, str], list[tuple[int, int, int, int]]] = field(default_factory=dict)
    _trees: dict[str, dict[str, str]] = field(default_factory=dict)
    _blobs: dict[str, bytes | None] = field(default_factory=dict)
    _bases: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path.exists():
            self.path.mkdir(parents=True)
            self.git("init", "-q", "--bare", "-b", "main", ".")
            for key in ("allowFilter", "allowAnySHA1InWant"):
                self.git("config", f"uploadpack.{key}", "true")

    def git(self, *arguments: str, given: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """What git prints. Raises subprocess.CalledProcessError."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            input=given,
            capture_output=True,
            check=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **(env or {})},
        )
        return done.stdout

    def commit(
        self,
        branch: str,
        files: Mapping[str, Content | tuple[str, str]],
        parent: str = "",
        message: str = "a state",
    ) -> str:
        """Put a commit on a branch, and the branch on it: on its tip, or on `parent` (a force-push). Its name."""
        out = [f"commit refs/heads/{branch}", "committer T <t@example.org> 1700000000 +0000"]
        out.append(f"data {len(message.encode())}\n{message}")
        if not parent and self.tip(branch):
            parent = self.tip(branch)
        if parent:
            out.append(f"from {parent}")
        stream = "\n".join(out).encode() + b"\n"
        for path, content in files.items():
            quoted = (
                b'"' + re.sub(rb'[\x00-\x1f"\\\x7f]', _octal, path.encode("utf-8", "surrogateescape")) + b'"'
            )
            if content is None:
                stream += b"D " + quoted + b"\n"
                continue
            mode, held = content if isinstance(content, tuple) else ("100644", content)
            if mode == "160000":
                stream += f"M {mode} {held!s} ".encode() + quoted + b"\n"
                continue
            data = held.encode() if isinstance(held, str) else held
            stream += f"M {mode} inline ".encode() + quoted + f"\ndata {len(data)}\n".encode() + data + b"\n"
        self.git("fast-import", "--quiet", "--force", given=stream)
        return self.tip(branch)

    def tip(self, branch: str) -> str:
        """The commit a branch stands at; "" where there is no such branch."""
        file = self.path / "refs" / "heads" / branch
        if file.is_file():
            return file.read_text().strip()
        listed = self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return listed.decode().strip()

    def move(self, branch: str, commit: str) -> None:
        """Let a branch stand at a commit, whatever it stood at."""
        self.git("update-ref", f"refs/heads/{branch}", commit)

    def parents(self, commit: str) -> list[str]:
        """The parents of a commit."""
        return self.git("rev-list", "--parents", "-n1", commit).decode().split()[1:]

    def has(self, name: str, kind: str = "commit") -> bool:
        """Whether there is such an object."""
        found = self.git("cat-file", "--batch-check", given=name.encode() + b"\n").decode().split()
        return len(found) == 3 and found[1] == kind

    def show(self, commit: str, path: str) -> bytes | None:
        """A file's content in a commit, None where there is none."""
        if commit not in self._trees:
            rows = self.git("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0")[:-1]
            split = (row.partition(b"\t") for row in rows)
            self._trees[commit] = {os.fsdecode(name): head.decode().split()[2] for head, _, name in split}
        name = self._trees[commit].get(path)
        if name is not None and name not in self._blobs:
            self._blobs[name] = self.git("cat-file", "blob", name) if self.has(name, "blob") else None
        return self._blobs[name] if name is not None else None

    def merge_base(self, base: str, head: str) -> str:
        """Where two commits parted."""
        if (base, head) not in self._bases:
            self._bases[base, head] = self.git("merge-base", base, head).decode().strip()
        return self._bases[base, head]

    def diff(self, old: str, new: str) -> list[Changed]:
        """What differs between two commits, by path, with the hunks."""
        if (old, new) not in self._diffs:
            self._diffs[old, new] = self._diff(old, new)
        return self._diffs[old, new]

    def _diff(self, old: str, new: str) -> list[Changed]:
        options = ("-r", "-M", "--no-ext-diff", "--no-textconv")
        fields = self.git("diff-tree", *options, "--raw", "--no-abbrev", "-z", old, new).split(b"\0")[:-1]
        whole = b"\n" + self.git("diff-tree", *options, "-p", "--full-index", old, new)
        patches = [_hunks(part) for part in whole.split(b"\ndiff --git ")[1:]]
        found = []
        rows = iter(fields)
        for number, row in enumerate(rows):
            _old, _new, _from, to, status = row.decode().split()
            previous = os.fsdecode(next(rows))
            path = os.fsdecode(next(rows)) if status[0] in "RC" else previous
            found.append(Changed(path, previous, STATUS[status[0]], to, patches[number]))
        return sorted(found, key=lambda each: each.path)

    def follow(self, path: str, line: int, old: str, new: str) -> int:
        """Where a line of a file in one commit stands in another; 0 where it was changed or is gone."""
        if old == new:
            return line
        if (path, old, new) not in self._maps:
            options = ("-r", "-p", "-U0", "--no-renames")
            changed = self.git("diff-tree", *options, old, new, "--", f":(top,literal){path}")
            shown = changed.decode("utf-8", "replace")
            self._maps[path, old, new] = [_figures(match) for match in HUNK.finditer(shown)]
        shift = 0
        for start, count, _to, length in self._maps[path, old, new]:
            if count and start <= line < start + count:
                return 0
            if line >= start + max(count, 1):
                shift += length - count
        return line + shift if self.show(new, path) is not None else 0


def _figures(header: re.Match[str]) -> tuple[int, int, int, int]:
    """First line and number of lines, before and after."""
    old, removed, new, added = header.groups(default="1")
    return int(old), int(removed), int(new), int(added)


def _octal(match: re.Match[bytes]) -> bytes:
    return b"\\%03o" % match[0][0]


def _hunks(patch: bytes) -> str | None:
    """The hunks of one file's patch, without the head and without the line feed at the end."""
    start = patch.find(b"\n@@ ")
    if start < 0:
        return None
    return patch[start + 1 :].removesuffix(b"\n").decode("utf-8", "replace")
