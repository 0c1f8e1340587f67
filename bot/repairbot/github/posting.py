"""Doing what a plan says, step by step. What GitHub refuses is kept, so that it can be said elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from repairbot.github.client import Client
from repairbot.github.errors import Denied, NotThere, Refused
from repairbot.github.model import (
    CreateReport,
    CreateReview,
    EditComment,
    EditReport,
    MinimiseComment,
    PostCheckRun,
    PullRequest,
    ResolveThread,
    Step,
)


@dataclass(slots=True)
class Poster:
    """Posts to one pull request. `done` counts what was done, by its kind.

    `refused`: fingerprints whose comment GitHub refused, with its words. `no_comments`, `no_check`: why the token
    may not comment or make a check run; "" while it may.
    """

    client: Client
    pull: PullRequest
    done: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    no_comments: str = ""
    no_check: str = ""

    def post(self, steps: Sequence[Step]) -> bool:
        """Do the steps. False when what was refused asks for another plan: the steps after it were not done.

        Raises GitHubError for what is about neither rights nor content.
        """
        for step in steps:
            before = len(self.refused)
            try:
                self._do(step)
            except (Denied, NotThere) as error:  # GitHub hides from some tokens what they may not do
                if isinstance(step, PostCheckRun):
                    self.no_check = str(error)
                else:
                    self.no_comments = str(error)
                return False
            if len(self.refused) > before:
                return False
        return True

    def _do(self, step: Step) -> None:
        client, repo = self.client, self.pull.repo
        match step:
            case CreateReview():
                self._review(step)
            case EditComment():
                self._edit(step)
            case MinimiseComment():
                self._minimise(step)
            case ResolveThread():
                self._resolve(step)
            case CreateReport():
                client.report(self.pull, step.body)
                self.done["report made"] += 1
            case EditReport():
                try:
                    client.edit_report(repo, step.id, step.body)
                    self.done["report edited"] += 1
                except NotThere:  # somebody deleted it since it was read
                    self._do(CreateReport(step.body))
            case PostCheckRun():
                client.check(repo, step)
                self.done["check run"] += 1

    def _review(self, step: CreateReview) -> None:
        """One comment that GitHub does not take fails the whole review, so it is looked for by halves."""
        try:
            self.client.review(self.pull, step)
        except Refused as error:
            if len(step.comments) > 1:
                half = len(step.comments) // 2
                for part in (step.comments[:half], step.comments[half:]):
                    self._review(replace(step, comments=part))
            elif step.comments:
                why = "; ".join(error.reasons)
                self.refused.update((name, why) for name in step.comments[0].fingerprints)
            else:
                raise
        else:
            self.done["comments"] += len(step.comments)

    def _edit(self, step: EditComment) -> None:
        try:
            self.client.edit_review_comment(self.pull.repo, step.id, step.body)
            self.done["comments edited"] += 1
        except NotThere:
            self.done["comments deleted by others"] += 1

    def _minimise(self, step: MinimiseComment) -> None:
        try:
            self.client.minimise(step.node_id, step.classifier)
            self.done["comments folded"] += 1
        except NotThere:
            self.done["comments deleted by others"] += 1

    def _resolve(self, step: ResolveThread) -> None:
        """Resolve a thread. A token that may comment may still not do that; then its comment says it."""
        try:
            self.client.resolve(step.thread)
            self.done["threads resolved"] += 1
        except NotThere:
            self.done["comments deleted by others"] += 1
        except Denied:
            for other in step.otherwise:
                self._do(other)
