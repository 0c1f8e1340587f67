"""What we said before, joined with what is found now: which threads still hold, and what people said to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from repairbot.github import commands, markers
from repairbot.github.markers import Marker
from repairbot.github.model import Comment, Look, Thread
from repairbot.model import Finding, Outcome

Standing = Literal["open", "dismissed", "unseen"]
"""Of a thread: `unseen`, its file could not be looked at, so that nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """A thread of ours. `findings`: those it speaks of that are still there."""

    thread: Thread
    marker: Marker
    standing: Standing
    findings: tuple[Finding, ...] = ()

    @property
    def root(self) -> Comment:
        """Our comment that opened it."""
        return self.thread.comments[0]

    @property
    def answered(self) -> bool:
        """Whether a person wrote in it; a command to us is not to anybody."""
        return any(
            not comment.ours and not comment.is_bot and not commands.alone(comment.body)
            for comment in self.thread.comments
        )


@dataclass(frozen=True, slots=True)
class Before:
    """Our threads that still count, our reports, and the findings that were dismissed.

    `unfinished`: threads that say that their leak is gone, and yet stand open (a run was cut off between).
    """

    said: tuple[Said, ...]
    unfinished: tuple[Said, ...]
    reports: tuple[Comment, ...]
    dismissed: frozenset[Finding]


def recall(look: Look) -> Before:
    """Read what stands on the pull request, and find again what it speaks of."""
    every = [
        Said(thread, marker, _standing(thread, marker, look))
        for thread in look.earlier.threads
        if thread.comments
        and (marker := markers.read(thread.comments[0]))
        and marker.kind == "finding"
        and not _done(thread, marker)
    ]
    # One that said "gone" and that a person wrote in is open still: should the leak come back, it is said there.
    live = [said for said in every if said.marker.state != "gone" or said.answered]
    unfinished = tuple(said for said in every if said not in live)
    met = _match(live, look)
    said = [replace(each, findings=tuple(met[index])) for index, each in enumerate(live)]
    silenced = {finding for each in said if each.standing == "dismissed" for finding in each.findings}
    named = [name for comment in look.earlier.comments for name in markers.dismissals(comment) or ()]
    silenced.update(
        finding
        for finding in look.audit.findings
        if any(markers.identify(finding).startswith(name) for name in named)
    )
    said = [_silenced(each, silenced) for each in said]
    return Before(tuple(said), unfinished, markers.reports(look.earlier.comments), frozenset(silenced))


def _silenced(said: Said, dismissed: set[Finding]) -> Said:
    """The thread without the findings that a command elsewhere dismissed."""
    left = tuple(finding for finding in said.findings if finding not in dismissed)
    if left == said.findings or said.standing == "dismissed":
        return said
    return replace(said, findings=left) if left else replace(said, standing="dismissed")


def _done(thread: Thread, marker: Marker) -> bool:
    """Whether it is closed because its leak was gone. What a command dismissed we closed as well."""
    closed = thread.resolved or thread.comments[0].minimised
    if marker.state == "gone":
        return closed
    by_us = thread.resolved and thread.resolved_by_us
    return by_us and marker.state != "dismissed" and not _commanded(thread, marker)


def _standing(thread: Thread, marker: Marker, look: Look) -> Standing:
    if thread.resolved or thread.comments[0].minimised or _commanded(thread, marker):
        return "dismissed"
    return "open" if _seen(thread.path, look) else "unseen"


def _commanded(thread: Thread, marker: Marker) -> bool:
    """Whether somebody who may wrote in the thread that its finding is dismissed."""
    named = [ids for comment in thread.comments[1:] if (ids := markers.dismissals(comment)) is not None]
    return any(
        not ids or any(known.startswith(name) for known in marker.ids for name in ids) for ids in named
    )


def _seen(path: str, look: Look) -> bool:
    """Whether a leak that is not found in this file is really not there."""
    result = next((file for file in look.audit.files if file.path == path), None)
    if result is not None:
        return result.outcome not in (Outcome.FAILED, Outcome.SKIPPED)
    file = next((file for file in look.files if file.path == path), None)
    # Without a result: a file that the pull request removes, or that it no longer changes.
    return not look.unlisted if file is None else file.status == "removed"


def _match(threads: Sequence[Said], look: Look) -> list[list[Finding]]:
    """For each thread the findings it speaks of. Each finding is met by one thread at most, the nearest.

    A thread of a file that is there no more may speak of one in another file, which was renamed; and what was
    dismissed stays so where it moves. A thread that said "gone" comes last.
    """
    paths = {file.path for file in look.files}
    pairs: list[tuple[bool, bool, int, int, str, Finding]] = []
    for index, said in enumerate(threads):
        thread, marker = said.thread, said.marker
        line = thread.line or thread.original_line or 0
        for finding in look.audit.findings:
            here, name = finding.path == thread.path, markers.identify(finding)
            elsewhere = said.standing == "dismissed" or thread.path not in paths
            if name in marker.ids and (here or elsewhere):
                gone, distance = marker.state == "gone", abs(finding.line - line)
                pairs.append((gone, not here, distance, index, name, finding))
    met: list[list[Finding]] = [[] for _ in threads]
    taken: set[Finding] = set()
    spoken: Counter[tuple[int, str]] = Counter()
    for *_, index, name, finding in sorted(pairs, key=lambda pair: pair[:5]):
        if finding not in taken and spoken[index, name] < threads[index].marker.ids.count(name):
            taken.add(finding)
            spoken[index, name] += 1
            met[index].append(finding)
    return met
