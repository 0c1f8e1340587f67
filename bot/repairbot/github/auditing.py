"""The audit of a pull request: the head's changed files, and what the base held of the same leaks already."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from repairbot import baseline, config
from repairbot.cache import Cache
from repairbot.config import Config
from repairbot.github.sides import Sides
from repairbot.model import Audit
from repairbot.pipeline import Run, sift
from repairbot.pool import Pool
from repairbot.sources import SourceError

Adjust = Callable[[Config], Config]
"""What the caller (a command line, an Action's inputs) changes in the base branch's configuration."""


@dataclass(frozen=True, slots=True)
class Audited:
    """The head's audit; how often each fingerprint was found at the base; the bytes of files with findings; and the
    head's run, from which repairs can go on while the sides are open."""

    audit: Audit
    known: Counter[str]
    sources: dict[str, bytes]
    run: Run


@dataclass(slots=True)
class Auditor:
    """What examines files: children under limits, and the cache. One job at a time."""

    pool: Pool
    cache: Cache
    adjust: Adjust = lambda found: found
    jobs: int = 0

    def config(self, sides: Sides) -> Config:
        """The configuration at the tip of the base branch. Raises ConfigError, SourceError, GitHubError."""
        found = self.adjust(config.held(sides.setting))
        return replace(found, settings=replace(found.settings, repair_from=found.confidence))

    def audit(self, sides: Sides, found: Config) -> Audited:
        """Examine both sides. Raises BrokenWorker, BaselineError, SourceError, GitHubError."""
        started = time.monotonic()
        accepted = self._accepted(sides, found)
        self.pool.configure(
            found.settings, memory=found.memory, seconds=found.seconds, jobs=self.jobs or found.jobs
        )
        run = Run(sides.head(found), found, self.pool, self.cache).go()
        sifted = sift(run.results(), found, known=accepted)
        known: Counter[str] = Counter()
        if any(file.findings for file in sifted.files):
            before = Run(sides.base(found), found, self.pool, self.cache, fixes=False).go()
            known.update(finding.fingerprint for file in before.results() for finding in file.findings)
        shown = {file.path for file in sifted.files if file.findings}
        sources = {
            each.entry.path: source
            for each in run.examinations
            if each.wanted and each.entry.path in shown and (source := run.fresh(each)) is not None
        }
        audit = Audit(
            root="",
            files=tuple(sifted.files),
            seconds=time.monotonic() - started,
            baselined=sifted.baselined,
            hidden=sifted.hidden,
            suppressed=sum(file.suppressed for file in sifted.files),
            unknown=run.unknown(),
            problems=(sides.problem,) if sides.problem else (),
        )
        return Audited(audit, known, sources, run)

    def _accepted(self, sides: Sides, found: Config) -> Counter[str]:
        """The baseline's fingerprints, as the base branch holds them."""
        name = found.baseline or baseline.NAME
        content = sides.setting(name)
        if content is None:
            if found.baseline:
                raise SourceError(
                    f"the base branch has no {name}, which its configuration names as the baseline"
                )
            return Counter()
        return baseline.loads(content, name)
