"""Git objects of a pull request: fetched bare, without the files' contents, and those only as they are asked for.

Nothing is checked out. Git gets an empty home and no configuration but ours; what it is told are addresses of our
own making and names of 40 hexadecimal digits. The token reaches it as a header in its environment, bound to the
server's address, so that it stands in no command line and follows no redirect.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from repairbot import git
from repairbot.github.client import commit, repository
from repairbot.github.redact import redact
from repairbot.github.transport import Site
from repairbot.sources import SourceError
from repairbot.sources.revisions import Objects

FETCH = ("--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc", "--quiet")
STALLED = {"GIT_HTTP_LOW_SPEED_LIMIT": "1000", "GIT_HTTP_LOW_SPEED_TIME": "60"}
"""Give up when less than so many bytes a second came for so many seconds."""
CONFIGURATION = """\
[core]
\trepositoryformatversion = 1
\tbare = true
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = {url}
\tpromisor = true
\tpartialclonefilter = blob:none
"""


@dataclass(slots=True)
class Fetched(Objects):
    """The objects of some commits. Contents are fetched by `want`, all that are missing at once."""

    token: str = ""
    site: Site = field(default_factory=Site)
    requests: int = 0
    """How many requests the fetches took: each asks for what is there, and then for it."""
    _here: set[str] = field(default_factory=set)

    def commits(self, names: Sequence[str]) -> None:
        """Fetch commits with their trees. Raises SourceError."""
        self._fetch([commit(name) for name in names], "--depth=1", "--filter=blob:none")

    def want(self, names: Sequence[str]) -> None:
        """Fetch those of these blobs that are not here yet. Raises SourceError."""
        missing = sorted({commit(name) for name in names} - self._here)
        if missing:
            self._fetch(missing, "--filter=blob:none")
            self._here.update(missing)

    def ask(self, name: str, limit: int) -> bytes:
        """The content of a blob by its name. Raises Unreadable, SourceError."""
        self.want([name])  # before git asks for it of its own accord, as old versions do
        return Objects.ask(self, name, limit)

    def _fetch(self, names: Sequence[str], *options: str) -> None:
        self.requests += 2
        done = git.run(
            self.repository,
            *(
                "-c",
                "protocol.allow=never",
                "-c",
                "protocol.https.allow=always",
                "-c",
                "protocol.http.allow=always",
            ),
            *(
                "-c",
                "http.followRedirects=false",
                "-c",
                "credential.helper=",
                "-c",
                "fetch.negotiationAlgorithm=noop",
            ),
            *("fetch", *FETCH, *options, "--stdin", "origin"),
            given="".join(f"{name}\n" for name in names).encode(),
            more=self._environment(),
        )
        if done.returncode:
            raise SourceError(f"git cannot fetch from {self.site.server}: {self._said(done)}")

    def _environment(self) -> dict[str, str]:
        more = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "HOME": self.repository,
            **STALLED,
        }
        if self.token:
            login = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
            more |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": f"http.{self.site.server}/.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
            }
        return more

    def _said(self, done: subprocess.CompletedProcess[bytes]) -> str:
        return redact(git.said(done.stderr) or f"exit code {done.returncode}", self.token)


@contextmanager
def fetched(site: Site, token: str, name: str, commits: Sequence[str]) -> Iterator[Fetched]:
    """The objects of `commits` of the repository `name`, until the block is left. Raises SourceError, GitHubError."""
    with tempfile.TemporaryDirectory(prefix="repairbot-") as folder:
        held = os.path.join(folder, ".git")
        for inner in ("objects", "refs"):
            os.makedirs(os.path.join(held, inner))
        _write(os.path.join(held, "HEAD"), "ref: refs/heads/none\n")
        url = f"{site.server}/{repository(name)}.git"
        _write(os.path.join(held, "config"), CONFIGURATION.format(url=url))
        with Fetched(folder, token=token, site=site) as objects:
            objects.commits(list(dict.fromkeys(commits)))
            yield objects


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
