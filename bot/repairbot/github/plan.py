"""What a review is to do: a pure function of what was found, what the diff shows and what stands there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from repairbot.config import ReviewSettings
from repairbot.github import earlier, reporting, texts
from repairbot.github.annotations import annotate, batches, fails
from repairbot.github.choosing import choose
from repairbot.github.comments import Comments, without_any
from repairbot.github.earlier import Before
from repairbot.github.links import Links, unlinked
from repairbot.github.model import (
    Action,
    Conclusion,
    CreateReport,
    EditReport,
    LeftOut,
    Look,
    MinimiseComment,
    Plan,
    PostCheckRun,
    PullRequest,
    Step,
)
from repairbot.github.reporting import Told
from repairbot.model import Finding, Outcome
from repairbot.reports import Options
from repairbot.reports.view import by_severity, sort

FIX_SAFE: Final = Action("Fix safe", "Commit the safe repairs to this branch", "fix-safe")
RERUN: Final = Action("Re-run", "Look at this pull request again", "rerun")


def skip(pull: PullRequest, settings: ReviewSettings) -> str:
    """Why a pull request is not to be looked at, or ""."""
    if settings.opt_out and settings.opt_out.lower() in (label.lower() for label in pull.labels):
        return "it carries the label that opts out"
    if pull.author_is_bot and not settings.bots:
        return "a bot opened it (`bots = true` has these looked at)"
    if pull.draft and not settings.drafts:
        return "it is a draft (`drafts = true` has these looked at)"
    return ""


def skipped(look: Look, why: str) -> Plan:
    """The plan for a pull request that is not looked at: the check run says so, and nothing else is touched."""
    summary = f"Not looked at: {texts.reason(why)}."
    run = PostCheckRun(look.pull.head, "skipped", "Skipped", summary, id=look.earlier.check_run)
    return Plan((run,) if look.abilities.check else (), summary=summary, skipped=why, conclusion="skipped")


def plan(look: Look, settings: ReviewSettings) -> Plan:
    """What to do about a pull request that was looked at."""
    before, choice = earlier.recall(look), choose(look)
    if not (look.audit.files or look.audit.problems or before.said or before.unfinished or before.reports):
        return skipped(look, "it changes no file of a language that is read here")
    links = Links(look.pull, look.files)
    # What was commented on stays the change's business, also where the base has it by now.
    spoken = {finding for said in before.said if said.standing == "open" for finding in said.findings}
    ours = [finding for finding in choice.ours if finding not in before.dismissed]
    near = [finding for finding in choice.others if finding not in before.dismissed]
    ours += [finding for finding in near if finding in spoken]
    others = [finding for finding in near if finding not in spoken]
    introduced = [finding for finding in choice.introduced if finding not in before.dismissed]

    comments = Comments(look, links, settings.max_comments)
    if look.abilities.comment:
        unsure = frozenset(sort(look.audit, Options()).potential)
        comments.decide(before, ours, unsure)
        left_out = comments.left_out()
    else:
        left_out = without_any(ours, look.abilities.why)
    if look.unlisted:
        left_out.append(
            LeftOut(look.unlisted, "file", "GitHub lists no more of them, so they were not looked at")
        )
    bare = [finding for finding in ours if finding not in comments.commented]
    told = Told(
        audit=look.audit,
        links=links,
        ours=ours,
        bare=bare,
        others=others,
        dismissed=len(before.dismissed),
        left_out=left_out,
        unseen=sum(said.standing == "unseen" for said in before.said),
    )
    summary, conclusion = reporting.summary(told), _conclusion(told, look, settings, introduced)
    steps = comments.steps()
    if look.abilities.comment:
        steps += _report(told, before)
    if look.abilities.check:
        noted = by_severity({*bare, *comments.patched})
        steps.append(_check(told, look, settings, summary, conclusion, noted))
    return Plan(
        tuple(steps),
        tuple(left_out),
        tuple(comments.commented),
        tuple(bare),
        tuple(others),
        by_severity(before.dismissed),
        summary,
        conclusion=conclusion,
    )


def _report(told: Told, before: Before) -> list[Step]:
    """One report, edited in place; none where there is nothing to say and there was none before."""
    if not before.reports:
        return [CreateReport(reporting.report(told))] if told.ours else []
    first, *more = before.reports
    body = reporting.ticked(reporting.report(told), first.body)
    steps: list[Step] = [EditReport(first.id, body)] if unlinked(body) != unlinked(first.body) else []
    return steps + [MinimiseComment(each.node_id, "OUTDATED") for each in more if not each.minimised]


def _check(
    told: Told,
    look: Look,
    settings: ReviewSettings,
    summary: str,
    conclusion: Conclusion,
    noted: Sequence[Finding],
) -> PostCheckRun:
    safe = any(f.fix and f.fix.safety == "safe" for f in told.ours)
    buttons = [FIX_SAFE] if safe and look.abilities.commits else []
    return PostCheckRun(
        look.pull.head,
        conclusion,
        reporting.title(told),
        summary,
        batches(annotate(noted, settings.fail_on)),
        (*buttons, RERUN) if look.abilities.buttons else (),
        look.earlier.check_run,
    )


def _conclusion(
    told: Told, look: Look, settings: ReviewSettings, introduced: Sequence[Finding]
) -> Conclusion:
    """Green only where everything was looked at and nothing found."""
    if any(fails(finding.severity, settings.fail_on) for finding in introduced):
        return "failure"
    audit = look.audit
    incomplete = audit.problems or audit.count(Outcome.FAILED) or look.unlisted or told.unseen
    return "neutral" if told.ours or incomplete else "success"
