"""A review from end to end: read, audit, plan, post. Run again it does only what is not there yet.

`look` needs no rights but reading; `publish` posts what a look asks for. The two may run in different places (an
artifact between them, for forks); `publish` looks at the head and at what stands there itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from repairbot.config import Config
from repairbot.github.auditing import Audited, Auditor
from repairbot.github.client import Client
from repairbot.github.errors import GitHubError, HeadMoved
from repairbot.github.model import Abilities, Conclusion, Look, Plan, PostCheckRun, Step
from repairbot.github.plan import plan, skip, skipped
from repairbot.github.posting import Poster
from repairbot.github.sides import sides
from repairbot.github.transport import Site
from repairbot.model import Audit

CHECK: Final = "repairbot"
ROUNDS: Final = 4
"""Plans for one review: comments refused, then the rights to comment, then those to check runs, then none."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found. `skipped`: why nothing was looked at, "" where something was."""

    look: Look
    config: Config
    skipped: str = ""

    def plan(self) -> Plan:
        """What is to be done about it."""
        return skipped(self.look, self.skipped) if self.skipped else plan(self.look, self.config.review)


@dataclass(frozen=True, slots=True)
class Done:
    """How a review ended. `conclusion`: of the check run, whether or not it could be posted.

    `posted` counts what was done by kind; `refused` says what GitHub or the token did not allow, for people.
    `nothing`: all that the plan wants stood there already.
    """

    plan: Plan
    conclusion: Conclusion
    posted: Counter[str] = field(default_factory=Counter)
    refused: tuple[str, ...] = ()
    nothing: bool = False


def look(
    client: Client,
    auditor: Auditor,
    site: Site,
    token: str,
    repo: str,
    number: int,
    abilities: Abilities | None = None,
) -> Looked:
    """Read a pull request and audit it. Raises GitHubError, ConfigError, SourceError, BaselineError, BrokenWorker."""
    with looking(client, auditor, site, token, repo, number, abilities) as (looked, _):
        return looked


@contextmanager
def looking(
    client: Client,
    auditor: Auditor,
    site: Site,
    token: str,
    repo: str,
    number: int,
    abilities: Abilities | None = None,
) -> Iterator[tuple[Looked, Audited | None]]:
    """A look whose files can still be read in the block. The second part is None where nothing was looked at.

    Raises as `look`.
    """
    opened = client.pull(repo, number)
    pull = opened.pull
    blank = Look(pull, (), Audit("", ()), abilities=abilities or Abilities())
    if not opened.open:
        mute = replace(blank.abilities, comment=False, check=False)
        yield Looked(replace(blank, abilities=mute), Config(), "it is merged or closed"), None
        return
    files = client.files(pull)
    with sides(client, site, token, opened, files) as both:
        config = auditor.config(both)
        if why := skip(pull, config.review):
            yield Looked(blank, config, why), None
            return
        audited = auditor.audit(both, config)
        found = replace(
            blank,
            files=files,
            audit=audited.audit,
            known=audited.known,
            sources=audited.sources,
            unlisted=max(0, opened.changed_files - len(files)),
        )
        yield Looked(found, config), audited


def standing(client: Client, looked: Looked) -> Looked:
    """The same with what stands on the pull request now. Raises GitHubError."""
    return replace(looked, look=replace(looked.look, earlier=client.earlier(looked.look.pull, CHECK)))


def publish(client: Client, looked: Looked) -> Done:
    """Post what is not there yet. Raises HeadMoved before anything is posted for an old head, and GitHubError."""
    pull = looked.look.pull
    looked = standing(client, looked)
    first = looked.plan()
    poster = Poster(client, pull)
    current, done = first, False
    for _ in range(ROUNDS):
        steps = [step for step in current.steps if not _stands(client, step)]
        if not steps:
            done = True
            break
        now = client.head(pull.repo, pull.number)
        if now != pull.head:
            raise HeadMoved(
                f"{pull.repo}#{pull.number} moved on from {pull.head[:12]} to {now[:12]}: nothing more is posted "
                "for the old commit; the run for the new one posts"
            )
        if done := poster.post(steps):
            break
        looked = _again(standing(client, looked), poster)
        current = looked.plan()
    if not done:
        raise GitHubError(f"{pull.repo}#{pull.number}: GitHub refuses what is posted again and again")
    return Done(current, first.conclusion, poster.done, _refusals(poster), not poster.done)


def _stands(client: Client, step: Step) -> bool:
    return isinstance(step, PostCheckRun) and client.says(step)


def _again(looked: Looked, poster: Poster) -> Looked:
    """The look for the next plan, which knows what was refused in this one."""
    held = looked.look
    abilities = replace(
        held.abilities,
        comment=held.abilities.comment and not poster.no_comments,
        check=held.abilities.check and not poster.no_check,
        why=poster.no_comments or poster.no_check or held.abilities.why,
    )
    return replace(
        looked, look=replace(held, abilities=abilities, refused={**held.refused, **poster.refused})
    )


def _refusals(poster: Poster) -> tuple[str, ...]:
    said = [f"no comments: {poster.no_comments}"] if poster.no_comments else []
    said += [f"no check run: {poster.no_check}"] if poster.no_check else []
    return (*said, *(f"a comment: {why}" for why in sorted(set(poster.refused.values()))))
