"""The prose of the Markdown report: counts, checks, steps and lists, as Markdown that may be printed."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from repairbot.model import Audit, Outcome
from repairbot.reports import Options
from repairbot.reports.markup import Safe, clip, code, own, plain
from repairbot.reports.view import Sorted, also, plural

_MOST_CHECKS: Final = 30


class Item(NamedTuple):
    """A line of the acceptance list."""

    done: bool
    text: Safe


class Practice(NamedTuple):
    """A sentence to follow, and the rules that it comes from."""

    text: str
    rules: tuple[str, ...]


def _written(audit: Audit) -> bool:
    return audit.mode == "fix" and not audit.dry


def became(audit: Audit) -> Safe:
    """What happens to a repair in this run."""
    if _written(audit):
        return own("Repaired")
    return own("Would be repaired" if audit.mode == "fix" else "Repair")


def heading(audit: Audit, view: Sorted) -> Safe:
    """The counts that matter, in a few words."""
    repaired = len(view.repaired)
    parts = []
    if repaired and audit.mode == "audit":
        parts.append(f"{plural(repaired, 'repair')} offered")
    elif repaired:
        parts.append(f"{repaired:,} {became(audit).lower()}")
    if view.decide:
        parts.append(f"{len(view.decide):,} to decide")
    if view.potential:
        parts.append(f"{len(view.potential):,} to look at")
    return own(f"{', '.join(parts)} · {plural(len(audit.files), 'file')}")


def none_found(audit: Audit) -> Safe:
    """The one line when nothing was found; what was not looked at is said even then."""
    safe = sum(len(file.safe_patterns) for file in audit.files)
    said = [f"{plural(safe, 'place')} verified safe"] if safe else []
    said += [f"{audit.count(o):,} {o.value}" for o in (Outcome.SKIPPED, Outcome.FAILED) if audit.count(o)]
    said += [plural(len(audit.problems), "problem")] if audit.problems else []
    said += also(audit)
    tail = f"; {', '.join(said)}" if said else ""
    return own(f"No leaks in {plural(audit.count(Outcome.CLEAN), 'file')}{tail}.\n")


def status(audit: Audit, view: Sorted) -> Safe:
    """Where things stand now."""
    parts = []
    if view.repaired:
        repairs = plural(len(view.repaired), "repair")
        parts.append(f"{repairs} written" if _written(audit) else f"{repairs} ready to apply")
    if view.decide:
        parts.append(f"{plural(len(view.decide), 'leak')} to decide")
    if view.potential:
        parts.append(f"{plural(len(view.potential), 'place')} to look at")
    if failed := audit.count(Outcome.FAILED) + len(audit.problems):
        parts.append(f"{failed:,} failed")
    return own("; ".join([*parts, *also(audit)]) + ".")


def looked_at(audit: Audit) -> Safe:
    """What was looked at and how."""
    ends = [f"{audit.count(outcome):,} {outcome.value}" for outcome in Outcome if audit.count(outcome)]
    text = f"{plural(len(audit.files), 'file')}: {', '.join(ends)}."
    if audit.base:
        text += f" Only what is new since {code(clip(audit.base, 60))}."
    if audit.unknown:
        text += f" At {plural(audit.unknown, 'place')} nobody knows who owns a value: nothing is said of it."
    if any(finding.fix for finding in audit.findings):
        text += " Each repair was made on a copy, and the copy was checked:"
    return own(text)


def checks(audit: Audit) -> list[Safe]:
    """Each rung with how many repairs climbed it, in the order of the ladder."""
    counts: dict[str, Counter[tuple[str, str]]] = {}
    for finding in audit.findings:
        for check in finding.fix.checks if finding.fix else ():
            detail = "" if check.result == "passed" else check.detail
            counts.setdefault(check.name, Counter())[check.result, detail] += 1
    lines = []
    for name, tally in list(counts.items())[:_MOST_CHECKS]:
        results = [
            f"{result} for {count:,}{f' ({plain(clip(detail, 80))})' if detail else ''}"
            for (result, detail), count in tally.most_common(3)
        ]
        lines.append(own(f"{plain(clip(name, 80))}: {', '.join(results)}"))
    if len(counts) > _MOST_CHECKS:
        lines.append(own(f"{len(counts) - _MOST_CHECKS:,} more checks"))
    return lines


def verify(audit: Audit, view: Sorted) -> list[Safe]:
    """Steps by which a person convinces himself."""
    first = code(clip((*view.repaired, *view.decide, *view.potential)[0].path, 200))
    if not view.repaired:
        return [
            own(f"Follow the lines of each path in the source, first in {first}."),
            own("After a change of yours, `repairbot audit` no longer names the place."),
        ]
    steps = []
    if not _written(audit):
        steps.append(
            own(f"See each repair as a diff: `repairbot fix --diff`, with a path for one file: {first}.")
        )
        steps.append(own("Write them: `repairbot fix`."))
    steps.append(own("Read the change: `git diff`."))
    steps.append(own("Run the project's own tests; under `python -X dev` they name what is left open."))
    steps.append(own("Look again: `repairbot audit` no longer names the repaired places."))
    return steps


def accept(audit: Audit, view: Sorted) -> list[Item]:
    """What must hold before the audit can be closed; ticked where it does."""
    results = [check.result for finding in audit.findings if finding.fix for check in finding.fix.checks]
    items: list[Item] = []
    if results:
        passed = results.count("passed")
        failed = results.count("failed")
        text = f"{passed:,} checks of repairs passed, {failed:,} failed, {results.count('not run'):,} not run"
        items.append(Item(not failed, own(text)))
    if view.repaired:
        items.append(Item(_written(audit), own(f"{plural(len(view.repaired), 'repair')} applied")))
        items.append(Item(False, own("The project's own tests pass with them")))
    if view.decide:
        text = f"{plural(len(view.decide), 'leak')} decided: bounded, released, or suppressed with a reason"
        items.append(Item(False, own(text)))
    if view.potential:
        items.append(Item(False, own(f"{plural(len(view.potential), 'place')} looked at")))
    stopped = audit.count(Outcome.FAILED) + len(audit.problems)
    items.append(Item(not stopped, own(f"All files analysed{f': {stopped:,} failed' if stopped else ''}")))
    return items


def practices(audit: Audit, options: Options) -> list[Practice]:
    """The sentences of the rules that found something, each once."""
    by_text: dict[str, list[str]] = {}
    for rule in sorted({finding.rule for finding in audit.findings}):
        if (info := options.rules.get(rule)) and info.practice:
            by_text.setdefault(info.practice, []).append(rule)
    return [Practice(text, tuple(rules)) for text, rules in by_text.items()]


def files(audit: Audit) -> Iterator[Safe]:
    """Each file and how it ended: first what failed or was skipped, with the reason; clean ones by folder."""
    for problem in audit.problems:
        yield own(f"problem: {plain(problem)}")
    for outcome in (Outcome.FAILED, Outcome.SKIPPED, Outcome.REPAIRED, Outcome.REPORTED):
        for file in audit.files:
            if file.outcome is outcome:
                yield own(
                    f"{code(file.path)} {outcome.value}{': ' + plain(file.reason) if file.reason else ''}"
                )
    for file in audit.files:
        for note in file.notes:
            yield own(f"{code(f'{file.path}:{note.line}')} {plain(note.note)}")
    folders: dict[str, list[str]] = {}
    for file in audit.files:
        if file.outcome is Outcome.CLEAN:
            folders.setdefault(posixpath.dirname(file.path), []).append(file.path)
    for folder, paths in folders.items():
        if len(paths) == 1:
            yield own(f"{code(paths[0])} clean")
        else:
            yield own(f"{code(f'{folder}/' if folder else './')} {len(paths):,} clean")
