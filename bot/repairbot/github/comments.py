"""What to do with review comments: which to write, to edit and to resolve, and which to leave alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from repairbot.github import remarks, texts
from repairbot.github.earlier import Before, Said
from repairbot.github.links import Links, unlinked
from repairbot.github.markers import State, identify
from repairbot.github.model import (
    REVIEW_LIMIT,
    CreateReview,
    DraftComment,
    EditComment,
    LeftOut,
    Look,
    MinimiseComment,
    ResolveThread,
    Step,
)
from repairbot.github.remarks import Remark
from repairbot.github.suggestions import Suggestion
from repairbot.model import Finding
from repairbot.reports.markup import code

MOVED: Final = "stands at other lines by now"
UNSURE: Final = "not sure enough for a comment"
OUTSIDE: Final = "no line of it is in this diff"


@dataclass(slots=True)
class Comments:
    """Collects the steps. `commented`: the findings that have a comment afterwards; `patched`: those of them whose
    repair is no suggestion."""

    look: Look
    links: Links
    most: int
    edits: list[EditComment] = field(default_factory=list)
    drafts: list[DraftComment] = field(default_factory=list)
    resolves: list[ResolveThread] = field(default_factory=list)
    commented: dict[Finding, None] = field(default_factory=dict)
    patched: list[Finding] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    _taken: defaultdict[str, list[Suggestion]] = field(default_factory=lambda: defaultdict(list))

    def decide(self, before: Before, business: Sequence[Finding], unsure: frozenset[Finding]) -> None:
        """Take in what was said before, and everything there is to say, worst first. `unsure`: findings that get
        no comment of their own."""
        for said in before.said:
            if said.standing == "dismissed":
                self._dismissed(said)
            elif said.standing == "open" and not said.findings and said.marker.state != "gone":
                self._gone(said, f"Gone as of {code(self.look.pull.head[:7])}.")
        for said in before.unfinished:
            self.resolves.append(ResolveThread(said.thread.id, (_fold(said),)))
        owners = {f: said for said in before.said if said.standing == "open" for f in said.findings}
        fresh: list[Remark] = []
        standing = sum(said.standing == "unseen" for said in before.said)
        kept: list[Said] = []
        for remark in self._remarks(business):
            # A thread that spoke of several findings goes to the first of them, should they need two by now.
            if holders := [said for said in _owners(remark, owners) if said not in kept]:
                kept += holders
                standing += 1
                self._keep(remark, holders)
            else:
                fresh.append(remark)
        for remark in fresh:
            if not self._without(remark, unsure, standing):
                standing += 1
                self._create(remark)

    def steps(self) -> list[Step]:
        """Edits first; what is new before what it replaces is resolved, so that nothing is lost in between."""
        review = [CreateReview(self.look.pull.head, tuple(self.drafts))] if self.drafts else []
        return [*self.edits, *review, *self.resolves]

    def left_out(self) -> list[LeftOut]:
        """The findings without a comment, by reason."""
        return [LeftOut(count, "leak", why) for why, count in self.reasons.items()]

    def _remarks(self, business: Sequence[Finding]) -> list[Remark]:
        files = {file.path: file for file in self.look.files}
        encodings = {file.path: file.encoding for file in self.look.audit.files}
        made: list[Remark] = []
        for path in dict.fromkeys(finding.path for finding in business):
            here = [finding for finding in business if finding.path == path]
            source = self.look.sources.get(path)
            made += remarks.compose(here, files.get(path), source, encodings.get(path, "utf-8"))
        order = {finding: rank for rank, finding in enumerate(business)}
        return sorted(made, key=lambda remark: min(order[finding] for finding in remark.findings))

    # What stands there

    def _dismissed(self, said: Said) -> None:
        """Note in the marker what became of it, once: a leak that goes away after its thread was resolved was
        repaired, and one that stays was dismissed. A thread that a command dismissed is closed."""
        thread, state = said.thread, said.marker.state
        if state == "open" and (said.findings or thread.resolved):
            became: State = "dismissed" if said.findings else "gone"
            body = texts.marked(said.root.body, became, said.marker.ids)
            self.edits.append(EditComment(said.root.id, body, f"it was {became}: noted in its marker"))
        if not thread.resolved and not said.root.minimised:
            self.resolves.append(ResolveThread(thread.id, (_fold(said),)))

    def _gone(self, said: Said, note: str) -> None:
        body = texts.marked(said.root.body, "gone", said.marker.ids, note)
        edit = EditComment(said.root.id, body, "its leak is gone")
        if said.answered:
            self.edits.append(edit)  # the thread is theirs now, and stays open
        else:
            self.resolves.append(ResolveThread(said.thread.id, (edit, _fold(said))))

    def _keep(self, remark: Remark, holders: list[Said]) -> None:
        """Bring a comment up to date where it stands, or say it anew where its suggestion would not fit."""
        holders.sort(key=lambda said: not said.answered)
        said, *extra = holders
        for each in extra:
            if not each.answered:
                self._gone(each, "Said in another comment.")
        remark = remark.behind(self._taken[remark.path])
        thread = said.thread
        there = thread.path == remark.path and thread.line is not None and not thread.outdated
        start = None if thread.start_line == thread.line else thread.start_line
        fits = there and (thread.line, start) == (remark.line, remark.start_line)
        if not there or (remark.suggestion and not fits):
            if remark.line and not said.answered and len(self.drafts) < REVIEW_LIMIT:
                self._create(remark)
                self._gone(said, "It moved: see the newer comment.")
                return
            remark = remarks.without_suggestion(remark, MOVED, self._encoding(remark.path))
        remark = texts.fitting(remark, self.links)
        self._take(remark)
        body = texts.comment(remark, self.links)
        if unlinked(body) != unlinked(said.root.body):
            self.edits.append(EditComment(said.root.id, body, "what it says has changed"))

    def _encoding(self, path: str) -> str:
        return next((file.encoding for file in self.look.audit.files if file.path == path), "utf-8")

    # What is new

    def _without(self, remark: Remark, unsure: frozenset[Finding], standing: int) -> bool:
        """Whether this gets no comment; the reason is counted."""
        refused = [why for f in remark.findings if (why := self.look.refused.get(identify(f)))]
        if refused:
            why = f"GitHub refused the comment ({texts.reason(refused[0])})"
        elif not remark.line:
            why = OUTSIDE
        elif unsure.issuperset(remark.findings):
            why = UNSURE
        elif standing >= self.most or len(self.drafts) >= REVIEW_LIMIT:
            why = f"over the limit of {self.most} comments (`max-comments`)"
        else:
            return False
        self.reasons[why] += len(remark.findings)
        return True

    def _create(self, remark: Remark) -> None:
        remark = texts.fitting(remark.behind(self._taken[remark.path]), self.links)
        self._take(remark)
        self.drafts.append(
            DraftComment(
                remark.path,
                remark.line,
                texts.comment(remark, self.links),
                remark.start_line,
                fingerprints=tuple(identify(finding) for finding in remark.findings),
                suggestion=remark.suggestion is not None,
            )
        )

    def _take(self, remark: Remark) -> None:
        self.commented.update(dict.fromkeys(remark.findings))
        if remark.suggestion is not None:
            self._taken[remark.path].append(remark.suggestion)
        elif remark.patch is not None:
            self.patched += remark.findings[:1]


def _owners(remark: Remark, owners: dict[Finding, Said]) -> list[Said]:
    found = [owners[finding] for finding in remark.findings if finding in owners]
    return [said for index, said in enumerate(found) if said not in found[:index]]


def _fold(said: Said) -> MinimiseComment:
    return MinimiseComment(said.root.node_id, "RESOLVED")


def without_any(findings: Iterable[Finding], why: str) -> list[LeftOut]:
    """What is left out where nothing can be posted on the pull request."""
    count = len(tuple(findings))
    reason = texts.reason(why) or "no permission"
    return [LeftOut(count, "leak", f"no comment and no report could be posted ({reason})")] if count else []
