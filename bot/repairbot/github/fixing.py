"""Repairing a pull request's branch: the checked fixes, applied together, as one commit on its head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from repairbot.github import job, markers
from repairbot.github.auditing import Audited, Auditor
from repairbot.github.client import GitHub
from repairbot.github.errors import GitHubError, HeadMoved
from repairbot.github.job import Looked
from repairbot.github.model import PullRequest
from repairbot.github.pushing import push
from repairbot.model import Finding
from repairbot.repairing import Work, gather, repair
from repairbot.reports.markup import clip, visible
from repairbot.reports.view import plural

ATTEMPTS: Final = 2
"""Plans for one command: the branch may move while the first is made."""
_LISTED: Final = 50
"""Repairs that a commit's message lists."""


class NothingToFix(GitHubError):
    """There is no repair of the kind that was asked for; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which repairs go in: those of one thread (the id of its first comment), or of the whole change; there the
    safe ones, or `unsafe` ones too."""

    thread: int = 0
    unsafe: bool = False


@dataclass(frozen=True, slots=True)
class Fixed:
    """A commit that was pushed, the findings it repairs, and those that were asked for and left out, with why."""

    commit: str
    applied: tuple[Finding, ...]
    left: tuple[tuple[Finding, str], ...]


def fix(client: GitHub, auditor: Auditor, repo: str, number: int, asked: Asked, who: str) -> Fixed:
    """Repair the branch of a pull request. `who` asked for it.

    Raises NothingToFix, HeadMoved where the branch moves faster than it can be repaired, and as job.look and push.
    """
    transport = client.transport
    for attempt in range(ATTEMPTS):
        with job.looking(client, auditor, transport.site, transport.token, repo, number) as (looked, audited):
            if audited is None:
                raise NothingToFix(f"nothing was looked at: {looked.skipped}")
            looked = job.standing(client, looked)
            wanted = _wanted(looked, asked)
            works = _repaired(auditor, audited, wanted)
        contents = {work.original.path: work.now for work in works if work.changed}
        ended = [
            finding
            for work in works
            for finding in work.ended().findings
            if finding in wanted or finding.applied
        ]
        applied = [finding for finding in ended if finding.applied]
        left = [(finding, _why(finding, works)) for finding in ended if not finding.applied]
        pull = looked.look.pull
        if not contents:
            raise NothingToFix("; ".join(f"{f.path}:{f.line} {why}" for f, why in left) or "no repair holds")
        try:
            new = push(transport, _home(pull), pull.head_ref, pull.head, contents, _message(applied, who))
        except HeadMoved:
            if attempt + 1 == ATTEMPTS:
                raise
        else:
            return Fixed(new, tuple(applied), tuple(left))
    raise AssertionError("the last attempt raises")


def _wanted(looked: Looked, asked: Asked) -> list[Finding]:
    """The findings whose repair was asked for. Raises NothingToFix."""
    plan = looked.plan()
    ours = [*plan.commented, *plan.listed]
    if asked.thread:
        ids = _spoken_of(looked, asked.thread)
        ours = [finding for finding in looked.look.audit.findings if markers.identify(finding) in ids]
        if not ours:
            raise NothingToFix("the leak that this thread speaks of is not found any more")
    found = [finding for finding in ours if finding.fix is not None]
    if not found:
        raise NothingToFix(
            f"there is no repair for {plural(len(ours), 'leak')}" if ours else "there is no leak"
        )
    if asked.unsafe or asked.thread:
        return found
    safe = [finding for finding in found if finding.fix is not None and finding.fix.safety == "safe"]
    if not safe:
        raise NothingToFix(
            f"{plural(len(found), 'repair')} would choose for you: /repairbot fix all takes them all, and "
            "/repairbot fix in a thread that one"
        )
    return safe


def _spoken_of(looked: Looked, comment: int) -> Sequence[str]:
    for thread in looked.look.earlier.threads:
        if thread.comments and thread.comments[0].id == comment:
            marker = markers.read(thread.comments[0])
            return marker.ids if marker else ()
    return ()


def _repaired(auditor: Auditor, audited: Audited, wanted: Iterable[Finding]) -> list[Work]:
    """The files with the repairs in them, examined again together."""
    names = {(finding.path, finding.fingerprint): finding.fix for finding in wanted}

    def accepts(finding: Finding) -> bool:
        agreed = names.get((finding.path, finding.fingerprint))
        return agreed is not None and finding.fix is not None and finding.fix.safety == agreed.safety

    works = [work for batch in gather(audited.run, audited.audit.files, accepts) for work in batch]
    repair(works, auditor.pool, accepts)
    return works


def _why(finding: Finding, works: Iterable[Work]) -> str:
    trouble = next((work.trouble for work in works if work.original.path == finding.path), "")
    return trouble or (finding.refusals[-1] if finding.refusals else "its repair was not applied")


def _home(pull: PullRequest) -> str:
    if not pull.head_repo:
        raise NothingToFix("the fork that the branch lies in is gone")
    return pull.head_repo


def _message(applied: Sequence[Finding], who: str) -> str:
    lines = [
        f"- {visible(finding.path)}:{finding.line}: {visible(finding.fix.title)}"
        for finding in applied
        if finding.fix
    ]
    more = [f"- and {len(lines) - _LISTED:,} more"] if len(lines) > _LISTED else []
    listed = "\n".join([*(clip(line, 200) for line in lines[:_LISTED]), *more])
    return f"Repair {plural(len(applied), 'leak')}\n\n{listed}\n\nChecked by repairbot; asked for by {visible(who)}.\n"
