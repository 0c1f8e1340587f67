"""Links into the diff of a pull request, and to lines of the head outside of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from repairbot.github import hunks as diffs
from repairbot.github.model import ChangedFile, PullRequest

_PAGE: Final = re.compile(r"(https?://[\w.:-]+(?:/[\w.~-]+){2,4})/pull/[0-9]+\Z", re.ASCII)
_BLOB: Final = re.compile(r"/blob/[0-9a-f]{40}/")


class Links:
    """Addresses of lines. Where the page of the pull request is not known, there are none ("")."""

    def __init__(self, pull: PullRequest, files: Iterable[ChangedFile]) -> None:
        page = _PAGE.match(pull.url)
        self._page, self._home = (pull.url, page[1]) if page else ("", "")
        self._head = pull.head
        self._lines = {file.path: diffs.commentable(file.hunks or ()) for file in files}

    def line(self, path: str, line: int) -> str:
        """Where a line of the head can be read: in the diff if it is there, else in the file."""
        if not self._page:
            return ""
        if line in self._lines.get(path, ()):
            anchor = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
            return f"{self._page}/files#diff-{anchor}R{line}"
        name = quote(path.encode("utf-8", "surrogateescape"), safe="/")
        return f"{self._home}/blob/{self._head}/{name}#L{line}"


def unlinked(body: str) -> str:
    """A body without what changes with every push: two that differ in nothing else say the same."""
    return _BLOB.sub("/blob//", body.replace("\r\n", "\n")).strip()
