"""Commits on a new branch, made from objects alone: the working tree, the index and HEAD are never touched."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from git import Commit, IndexFile, Repo
from git.exc import GitError
from git.index.typ import IndexEntry
from gitdb.base import IStream  # type: ignore[import-untyped]

from repairbot import git
from repairbot.sources import SourceError
from repairbot.sources.revisions import Blob


class Branch:
    """A branch in the making; `create` gives it its name, and until then nobody can see it."""

    def __init__(self, repository: str, name: str, start: str) -> None:
        """`start`: the full name of the commit to begin at. Raises SourceError where the name cannot be used."""
        if name.startswith("-") or git.run(repository, "check-ref-format", "--branch", name).returncode:
            raise SourceError(f"{name!r} cannot be a branch's name")
        self.name = name
        self.commits = 0
        try:
            self._repo = Repo(repository)
            self._tip = self._repo.commit(start)
            self._index = IndexFile.new(self._repo, self._tip.tree.hexsha)
        except (GitError, OSError, ValueError) as error:
            raise SourceError(f"git cannot read {repository}: {error}") from error
        if any(head.name == name for head in self._repo.heads):
            raise SourceError(f"there is a branch {name!r} already: choose another name or delete it")

    def commit(self, contents: Mapping[Blob, bytes], message: str) -> None:
        """One commit in which these files of the tree have this content."""
        for blob, content in contents.items():
            stored = self._repo.odb.store(IStream(b"blob", len(content), BytesIO(content)))
            mode = int(blob.mode, 8)
            self._index.entries[blob.path, 0] = IndexEntry((mode, stored.binsha, 0, blob.path))
        tree = self._index.write_tree()
        self._tip = Commit.create_from_tree(self._repo, tree, message, parent_commits=[self._tip], head=False)
        self.commits += 1

    def create(self) -> None:
        """Name the last commit. Without commits there is no branch."""
        if not self.commits:
            return
        done = git.run(
            str(self._repo.working_dir), "update-ref", f"refs/heads/{self.name}", self._tip.hexsha, "0" * 40
        )
        if done.returncode:
            raise SourceError(f"the branch {self.name!r} could not be made: {git.said(done.stderr)}")

    def summary(self) -> str:
        """What was made, in one line."""
        if not self.commits:
            return f"nothing to repair: no branch {self.name} was made"
        return f"branch {self.name}: {self.commits} commit{'' if self.commits == 1 else 's'}, one a rule"
