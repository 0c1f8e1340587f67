"""What the Action does for an event: review a pull request, post a fork's, obey a comment, audit the branch.

The exit code is the step's: 0 done, 1 a leak that `fail-on` names, 2 wrong inputs, 3 something could not be done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from repairbot import reports
from repairbot.config import Config
from repairbot.github import artifact, branch, job, runs
from repairbot.github.annotations import fails
from repairbot.github.auditing import Auditor
from repairbot.github.client import GitHub, repository
from repairbot.github.confirming import Confirming
from repairbot.github.errors import HeadMoved
from repairbot.github.event import Branch, Changed, Event, FinishedRun, Nothing, Said
from repairbot.github.job import Done, Looked
from repairbot.github.model import Abilities
from repairbot.github.obeying import Obedience
from repairbot.github.surroundings import SUMMARY_LIMIT, Inputs, Step
from repairbot.github.telling import annotated, not_posted
from repairbot.model import Audit, Finding
from repairbot.reports import RuleInfo
from repairbot.reports.markup import visible
from repairbot.reports.view import plural

DONE, FOUND, FAILED = 0, 1, 3
_FILE_LIMIT: Final = 4 << 20
"""Characters of the report that is left as a file."""
_STRANGERS: Final = (
    "this run of a fork (or of Dependabot) has a token that may only read; the workflow for forks posts "
    "what it found, where the repository has one"
)


@dataclass(slots=True)
class Action:
    """One run of the Action. `rules`: the pages of the rules, made when they are needed."""

    client: GitHub
    auditor: Auditor
    repo: str
    inputs: Inputs
    step: Step
    rules: Callable[[], Mapping[str, RuleInfo]]

    def act(self, event: Event) -> int:
        """Do what the event asks for; the exit code. Raises GitHubError, ConfigError, SourceError and their like."""
        self.auditor.adjust = self._adjust
        repository(self.repo)
        match event:
            case Changed():
                return self._review(event.number, strangers=event.strangers)
            case FinishedRun():
                return self._post(event)
            case Said():
                return self._obey(event)
            case Branch():
                return self._review(self.inputs.number) if self.inputs.number else self._audit()
            case Nothing():
                return self._nothing(event.why)

    def _nothing(self, why: str) -> int:
        self.step.say(f"nothing to do: {why}")
        self.step.outputs(skipped=why)
        return DONE

    def _adjust(self, found: Config) -> Config:
        """The base branch's configuration with the inputs, which somebody chose for this workflow."""
        review = found.review
        if self.inputs.max_comments is not None:
            review = replace(review, max_comments=self.inputs.max_comments)
        if self.inputs.fail_on is not None:
            review = replace(review, fail_on=self.inputs.fail_on)
        return replace(found, review=review)

    # Pull requests

    def _review(self, number: int, *, strangers: bool = False) -> int:
        abilities = None
        if self.inputs.mode == "report":
            abilities = Abilities(comment=False, check=False, why="`mode: report` posts nothing")
        elif strangers:
            abilities = Abilities(comment=False, check=False, why=_STRANGERS)
        looked = self._look(self.auditor, number, abilities)
        if strangers and not looked.skipped:
            self.step.outputs(artifact=self.step.save(artifact.MEMBER, artifact.leave(looked.look)))
        return self._publish(looked, sarif=self.inputs.sarif and not strangers)

    def _post(self, run: FinishedRun) -> int:
        """Post what a run without rights found."""
        transport = self.client.transport
        numbers = runs.pull_numbers(transport, self.repo, run)
        if not numbers:
            return self._nothing("no open pull request has the head that the run looked at")
        archive = runs.left_behind(transport, self.repo, run.id)
        if archive is None:
            return self._nothing("the run left nothing: it posted itself, or had nothing to look at")
        left = artifact.read(archive)
        if left.number not in numbers:
            raise artifact.ArtifactError("it speaks of a pull request that the run was not for")
        confirming = Confirming(self.auditor.pool, self.auditor.cache, self._adjust, self.auditor.jobs, left)
        looked = self._look(confirming, left.number, None)
        if not looked.skipped:
            artifact.hold(left, looked.look.pull, {file.path: file for file in looked.look.files})
        return self._publish(looked, sarif=self.inputs.sarif)

    def _look(self, auditor: Auditor, number: int, abilities: Abilities | None) -> Looked:
        transport = self.client.transport
        looked = job.look(self.client, auditor, transport.site, transport.token, self.repo, number, abilities)
        if self.inputs.unsafe:
            return looked
        return replace(looked, look=replace(looked.look, audit=branch.without_choices(looked.look.audit)))

    def _publish(self, looked: Looked, *, sarif: bool = False) -> int:
        try:
            done = job.publish(self.client, looked)
        except HeadMoved as error:
            self.step.notice(str(error))
            return DONE
        return self._tell(looked, done, sarif=sarif)

    def _tell(self, looked: Looked, done: Done, *, sarif: bool) -> int:
        """Say how a review ended: the log, the outputs, the summary, and annotations where nothing else shows them."""
        if done.plan.skipped:
            self.step.say(f"not looked at: {visible(done.plan.skipped)}")
            self.step.outputs(skipped=done.plan.skipped)
            self.step.summarise(f"{done.plan.summary}\n")
            return DONE
        look, ours = looked.look, [*done.plan.commented, *done.plan.listed]
        posted = ", ".join(f"{what} {count}" for what, count in sorted(done.posted.items()))
        refused = [*done.refused]
        if ours and not look.abilities.comment:
            refused.append(look.abilities.why)
        self.step.say(f"posted: {posted}" if posted else "nothing to post")
        for why in refused:
            self.step.say(f"not posted: {visible(why)}")
        if refused:
            self.step.write(annotated(look.audit, ours).rstrip("\n"))
        self._outputs(look.audit, ours)
        if sarif:
            self._sarif(look.audit, look.pull.head, f"refs/pull/{look.pull.number}/head")
        self.step.summarise(self._summary(look.audit, done.plan.summary, refused))
        return FOUND if done.conclusion == "failure" else DONE

    def _outputs(self, audit: Audit, findings: Iterable[Finding]) -> None:
        """`findings` and `fixes` count what the change brings; the report holds all that was found."""
        ours = list(findings)
        report = reports.render("markdown", audit, options=self._options(_FILE_LIMIT))
        self.step.outputs(
            findings=len(ours),
            fixes=sum(finding.fix is not None for finding in ours),
            skipped="",
            report=self.step.save("report.md", reports.encode(report)),
        )

    def _options(self, limit: int) -> reports.Options:
        return reports.Options(limit=limit, rules=self.rules())

    def _sarif(self, audit: Audit, head: str, ref: str) -> None:
        text = reports.render("sarif", audit, options=self._options(_FILE_LIMIT))
        self.step.outputs(sarif=self.step.save("repairbot.sarif", reports.encode(text)), commit=head, ref=ref)

    def _summary(self, audit: Audit, summary: str, refused: Sequence[str]) -> str:
        """The review's own summary; the whole report where that is all there is to read."""
        if refused and audit.findings:
            summary = reports.render("markdown", audit, options=self._options(SUMMARY_LIMIT // 4))
        return summary.rstrip("\n") + "\n" + not_posted(refused)

    # Comments

    def _obey(self, said: Said) -> int:
        obedience = Obedience(
            self.client,
            self.auditor,
            self.repo,
            said,
            self.rules,
            self._review_again,
            self.step.say,
        )
        return DONE if obedience.obey() else FAILED

    def _review_again(self, number: int) -> str:
        looked = self._look(self.auditor, number, None)
        self._publish(looked)
        return looked.skipped

    # The branch

    def _audit(self) -> int:
        """Audit the whole default branch, and keep the one issue about it up to date."""
        transport = self.client.transport
        held = branch.audit(transport, self.auditor, self.repo, unsafe=self.inputs.unsafe)
        audit, report = held.audit, branch.report(held, self.rules())
        if self.inputs.mode != "report":
            did = branch.keep(transport, self.repo, held, report)
            leaks = plural(len(audit.findings), "leak")
            self.step.say(f"{leaks} on {visible(held.name)}; the issue: {did}")
        self._outputs(audit, audit.findings)
        if self.inputs.sarif:
            self._sarif(audit, held.tip, f"refs/heads/{held.name}")
        self.step.summarise(report)
        fail_on = held.config.review.fail_on
        return FOUND if any(fails(finding.severity, fail_on) for finding in audit.findings) else DONE
