"""Finished workflow runs: which pull request they were about, and what they left."""

from __future__ import annotations

from typing import Final

import requests

from repairbot.github.artifact import MAX_ARCHIVE, NAME, ArtifactError
from repairbot.github.client import repository
from repairbot.github.errors import Denied, NotThere, Unreachable
from repairbot.github.event import FinishedRun
from repairbot.github.transport import TIMEOUT, Transport

_PIECE: Final = 64 * 1024


def pull_numbers(transport: Transport, repo: str, run: FinishedRun) -> list[int]:
    """The open pull requests whose head is the run's. Raises GitHubError.

    The event's own list is empty for forks (documentation of `workflow_run`), so they are looked up.
    """
    owner = repository(run.head_repo).partition("/")[0]
    pages = transport.pages(f"/repos/{repository(repo)}/pulls", state="open", head=f"{owner}:{run.head_ref}")
    return [
        int(each["number"])
        for page in pages
        for each in page
        if each["head"]["sha"] == run.head and (each["head"]["repo"] or {}).get("full_name") == run.head_repo
    ]


def left_behind(transport: Transport, repo: str, run: int) -> bytes | None:
    """The archive that a run left for us, None where it left none. Raises GitHubError."""
    held = transport.get(f"/repos/{repository(repo)}/actions/runs/{run}/artifacts", name=NAME)
    # A run that was started again leaves one more; the newest counts.
    ours = [each for each in held["artifacts"] if each["name"] == NAME and not each["expired"]]
    if not ours:
        return None
    newest = max(ours, key=lambda each: int(each["id"]))
    if int(newest["size_in_bytes"]) > MAX_ARCHIVE:
        raise ArtifactError(f"it is larger than {MAX_ARCHIVE:,} bytes")
    return _download(transport, f"/repos/{repo}/actions/artifacts/{int(newest['id'])}/zip")


def _download(transport: Transport, path: str) -> bytes:
    """An archive, no more of it than the limit. GitHub answers with where it lies; the token stays here."""
    headers = {"Authorization": f"Bearer {transport.token}", "Accept": "application/vnd.github+json"}
    transport.requests += 1
    try:
        asked = requests.get(
            transport.site.api + path, headers=headers, allow_redirects=False, timeout=TIMEOUT
        )
        if asked.status_code in (401, 403):
            raise Denied("the token may not fetch what the run left: give the job `actions: read`")
        if asked.status_code in (404, 410):
            raise NotThere("what the run left is there no more")
        if asked.status_code != 302:
            raise Unreachable(f"GitHub answered {asked.status_code} to GET {path}")
        with requests.get(
            asked.headers["Location"], stream=True, timeout=TIMEOUT, allow_redirects=False
        ) as answer:
            if answer.status_code != 200:
                raise Unreachable(f"what the run left cannot be fetched: answer {answer.status_code}")
            content = b""
            for piece in answer.iter_content(_PIECE):
                content += piece
                if len(content) > MAX_ARCHIVE:
                    raise ArtifactError(f"it is larger than {MAX_ARCHIVE:,} bytes")
            return content
    except (requests.RequestException, KeyError) as error:
        raise Unreachable(f"what the run left cannot be fetched ({type(error).__name__})") from None
