"""What the commands that examine files share: their options, and everything that is opened for a run."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import click

from repairbot import baseline as baselines
from repairbot import languages, reports
from repairbot.cache import Cache, default_folder
from repairbot.child import Process
from repairbot.commands.progress import Progress
from repairbot.config import Config, load, nearest
from repairbot.lazily import dataclass
from repairbot.model import Audit, FileResult, Outcome
from repairbot.pipeline import Run, Sifted, sift
from repairbot.pool import Pool
from repairbot.sources import Source, SourceError
from repairbot.sources.place import Place, locate
from repairbot.sources.tree import Tree
from repairbot.writing import write_new


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, as far as all these commands have it in common."""

    paths: tuple[str, ...] = ()
    config: str | None = None
    jobs: int = 0
    no_cache: bool = False
    cache_dir: str | None = None
    rule: tuple[str, ...] = ()
    everything: bool = False
    baseline: str | None = None
    no_baseline: bool = False
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the common options; the command gets them as keywords."""
    for decorate in reversed(
        (
            click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]..."),
            click.option("--rule", multiple=True, metavar="RULE", help="Only this rule; may be given again."),
            click.option("--all", "everything", is_flag=True, help="Show findings of low confidence too."),
            click.option("--config", type=click.Path(), metavar="FILE", help="Read this configuration."),
            click.option(
                "--baseline", type=click.Path(), metavar="FILE", help="Subtract the findings in this file."
            ),
            click.option("--no-baseline", is_flag=True, help="Subtract nothing."),
            click.option(
                "--jobs", "-j", type=click.IntRange(1), metavar="N", help="Processes; as many as processors."
            ),
            click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier results."),
            click.option("--cache-dir", type=click.Path(), metavar="DIR", help="Keep results here."),
            click.option("--quiet", "-q", is_flag=True, help="Say only what was found or failed."),
            click.option(
                "--verbose", "-v", is_flag=True, help="Say why as well: refusals, skipped files, safe places."
            ),
            click.option("--no-color", is_flag=True, help="No colours (NO_COLOR does the same)."),
        )
    ):
        command = decorate(command)
    return command


def options(values: dict[str, Any]) -> Options:
    """Options from a command's keywords; leaves those of the command itself alone."""
    mine: dict[str, Any] = {name: values[name] for name in Options.__dataclass_fields__ if name in values}
    mine["jobs"] = mine.get("jobs") or 0
    return Options(**mine)


@dataclass(slots=True)
class Session:
    """Everything that is open during one run, and what went wrong besides the files."""

    options: Options
    place: Place
    config: Config
    pool: Pool
    cache: Cache
    progress: Progress
    started: float
    problems: list[str] = field(default_factory=list)

    def tree(self) -> Tree:
        """The working tree as a source."""
        return Tree(self.place, self.config, languages.suffixes())

    def examine(self, source: Source, *, fixes: bool = True) -> Run:
        """Examine everything in a source."""
        return Run(source, self.config, self.pool, self.cache, self.progress, fixes=fixes).go()

    def sift(self, files: Sequence[FileResult], known: Counter[str] | None = None) -> Sifted:
        """What is left to show after confidence, baseline, `known` and the rules that were asked for."""
        everything = Counter(known or ()) + self.accepted()
        return sift(
            files,
            self.config,
            everything=self.options.everything,
            known=everything,
            rules=frozenset(self.options.rule),
        )

    def accepted(self) -> Counter[str]:
        """The baseline's fingerprints: of the file that is named, configured, or present."""
        if self.options.no_baseline:
            return Counter()
        named = self.options.baseline or self.config.baseline
        file = Path(named) if named else self.home / baselines.NAME
        return baselines.load(file) if named or file.is_file() else Counter()

    @property
    def home(self) -> Path:
        """The folder of the project's own files: where its configuration stands, else its top."""
        return Path(self.config.folder or self.place.top)

    def audit(self, sifted: Sifted, run: Run, **more: Any) -> Audit:
        """The audit of what was found."""
        return Audit(
            root=self.place.root,
            files=tuple(sifted.files),
            seconds=time.monotonic() - self.started,
            baselined=sifted.baselined,
            hidden=sifted.hidden,
            suppressed=sum(file.suppressed for file in sifted.files),
            unknown=run.unknown(),
            problems=tuple(self.problems),
            **more,
        )

    def publish(self, audit: Audit, form: reports.Format, output: str | None = None, **look: Any) -> None:
        """Write the report to standard output or a file."""
        self.progress.end()
        on_terminal = output is None and sys.stdout.isatty()
        shown = reports.Options(
            colour=on_terminal and not self.options.no_color and not os.environ.get("NO_COLOR"),
            verbose=self.options.verbose,
            quiet=self.options.quiet,
            width=_width() if on_terminal else 100,
            **look,
        )
        if form != "terminal":
            from repairbot.commands.pages import infos

            shown = replace(shown, rules=infos())
        # On the terminal what failed is said once, on standard error; the other formats hold it as well.
        told = replace(audit, problems=()) if form == "terminal" else audit
        content = reports.stream(form, told, options=shown)
        if output is not None and output != "-":
            write_new(output, content)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.writelines(content)
            sys.stdout.buffer.flush()
        for problem in audit.problems:
            click.echo(f"repairbot: {problem}", err=True)

    def say(self, line: str) -> None:
        """One line on standard error, unless quiet."""
        if not self.options.quiet:
            click.echo(line, err=True)


@contextmanager
def opened(chosen: Options, first: Process | None) -> Iterator[Session]:
    """Open a session; closing it ends the children. Raises ConfigError, SourceError, click.UsageError."""
    started = time.monotonic()
    with ExitStack() as stack:
        pool = stack.enter_context(Pool(first))
        configuration = Path(chosen.config).absolute() if chosen.config else None
        place = locate(chosen.paths, configuration)
        if not place.targets:
            raise SourceError("; ".join(place.problems))
        config = _narrowed(load(place.configuration), chosen)
        jobs = chosen.jobs or config.jobs
        pool.configure(config.settings, memory=config.memory, seconds=config.seconds, jobs=jobs)
        folder = None if chosen.no_cache else chosen.cache_dir or default_folder()
        progress = stack.enter_context(Progress(chosen.quiet, chosen.no_color))
        cache = stack.enter_context(Cache(folder, lambda line: click.echo(f"repairbot: {line}", err=True)))
        yield Session(chosen, place, config, pool, cache, progress, started, list(place.problems))


def exit_code(audit: Audit, left: int) -> int:
    """3 where something failed, else 1 where findings are `left`, else 0."""
    if audit.problems or audit.count(Outcome.FAILED):
        return 3
    return 1 if left else 0


def _narrowed(config: Config, chosen: Options) -> Config:
    """The configuration with the rules on that the command line names, and repairs for what will be shown alone."""
    settings = replace(config.settings, repair_from="low" if chosen.everything else config.confidence)
    if chosen.rule:
        from repairbot.rule import rule_ids

        known = rule_ids()
        for name in chosen.rule:
            if name not in known:
                raise click.UsageError(f"unknown rule {name!r}{nearest(name, known)}")
        settings = replace(settings, rules=settings.rules | dict.fromkeys(chosen.rule, True))
    return replace(config, settings=settings)


def _width() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns
