"""The audit of a whole default branch, and the one issue that is kept about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from repairbot import reports
from repairbot.config import Config
from repairbot.github import standing
from repairbot.github.auditing import Auditor
from repairbot.github.client import commit, repository
from repairbot.github.model import BODY_LIMIT
from repairbot.github.sides import whole
from repairbot.github.transport import Transport
from repairbot.model import Audit, Finding, Outcome
from repairbot.reports import RuleInfo
from repairbot.reports.markup import visible


@dataclass(frozen=True, slots=True)
class Branch:
    """A default branch that was audited: its name, the commit it stood at, and the configuration it holds."""

    name: str
    tip: str
    audit: Audit
    config: Config


def audit(transport: Transport, auditor: Auditor, repo: str, *, unsafe: bool = True) -> Branch:
    """Audit the default branch; `unsafe`: also show repairs that choose for the user.

    Raises GitHubError (NotThere where it holds no commit), ConfigError, SourceError, BaselineError, BrokenWorker.
    """
    name = str(transport.get(f"/repos/{repository(repo)}")["default_branch"])
    tip = commit(transport.get(f"/repos/{repo}/git/ref/heads/{quote(name)}")["object"]["sha"])
    with whole(transport.site, transport.token, repo, tip) as sides:
        config = auditor.config(sides)
        found = auditor.audit(sides, config).audit
    return Branch(name, tip, found if unsafe else without_choices(found), config)


def report(branch: Branch, rules: Mapping[str, RuleInfo]) -> str:
    """The audit in Markdown, short enough for an issue."""
    return reports.render(
        "markdown", branch.audit, options=reports.Options(limit=BODY_LIMIT - 1_000, rules=rules)
    )


def keep(transport: Transport, repo: str, branch: Branch, report: str) -> standing.Done:
    """Bring the issue about it up to date; what was done. Raises GitHubError."""
    found = branch.audit
    body = f"{report}\nOf commit {branch.tip}. repairbot keeps this up to date, and closes it when nothing is left.\n"
    unsure = found.problems or found.count(Outcome.FAILED)
    state: standing.Found = "leaks" if found.findings else "unsure" if unsure else "clean"
    return standing.keep(transport, repo, f"Leaks on {visible(branch.name)}", body, state)


def without_choices(found: Audit) -> Audit:
    """The audit without the repairs that choose for the user; their findings stay."""

    def stripped(finding: Finding) -> Finding:
        if finding.fix is None or finding.fix.safety == "safe":
            return finding
        why = "its repair would choose for you, and such are not shown here (unsafe-fixes)"
        return replace(finding, fix=None, refusals=(*finding.refusals, why))

    files = tuple(replace(file, findings=tuple(map(stripped, file.findings))) for file in found.files)
    return replace(found, files=files)
