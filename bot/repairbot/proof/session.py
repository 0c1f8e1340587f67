"""Measuring both sides of a pair of worktrees with one command, alternating."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from repairbot import git
from repairbot.model import Measurement
from repairbot.proof import ProofError
from repairbot.proof.detectors import walk
from repairbot.proof.detectors.base import Detector, Seen
from repairbot.proof.judging import measurements
from repairbot.proof.run import Ran, run
from repairbot.proof.worktrees import AFTER, BEFORE, Worktrees

SHOWN = 12
"""Lines of a failed command's output that are shown."""


@dataclass(slots=True)
class Bench:
    """How runs are made. `say` is told what is going on."""

    trees: Worktrees
    repeats: int
    timeout: float
    each: str = ""
    say: Callable[[str], None] = lambda line: None
    notes: list[str] = field(default_factory=list)

    def setup(self, command: str) -> None:
        """Run a command once in each worktree (to build, to install). Raises ProofError."""
        for side in (BEFORE, AFTER):
            self.say(f"set-up, {side}")
            ran = self.once(command, side, {})
            if ran.timed_out or ran.code:
                raise ProofError(
                    f"the set-up {_failed(command, ran, self.timeout)} ({side}):\n{tail(ran.out)}"
                )

    def measure(
        self, command: str, detectors: Mapping[str, Detector], subject: str = ""
    ) -> list[Measurement]:
        """Run the command in both worktrees, alternating, and judge what was seen. Raises ProofError."""
        seen: dict[str, list[dict[str, Seen]]] = {BEFORE: [], AFTER: []}
        for number in range(self.repeats):
            for side in (BEFORE, AFTER):
                self.say(f"run {number + 1} of {self.repeats}, {side}")
                ran = self.once(command, side, detectors)
                found = {name: detector.read(ran) for name, detector in detectors.items()}
                self._check(command, ran, side, found)
                self._notes(ran, found)
                seen[side].append(found)
        return measurements(seen[BEFORE], seen[AFTER], subject=subject)

    def once(self, command: str, side: str, detectors: Mapping[str, Detector]) -> Ran:
        """One run in one worktree."""
        top, scratch = self.trees.side(side), self.trees.scratch("run")
        environment = {name: value for name, value in os.environ.items() if name != "PWD"}
        environment["REPAIRBOT_TOP"] = top
        for detector in detectors.values():
            environment |= detector.environment(environment, scratch)
        for detector in detectors.values():
            command = detector.command(command, scratch)
        return run(
            command,
            top,
            environment,
            scratch,
            timeout=self.timeout,
            each=self.each,
            started=self.trees.running,
        )

    def _check(self, command: str, ran: Ran, side: str, found: Mapping[str, Seen]) -> None:
        if ran.timed_out:
            raise ProofError(
                f"{command!r} did not end within {self.timeout:g} seconds ({side}) and was ended with all its "
                f"children: give it more with --timeout, or a command that ends.\n{tail(ran.out)}"
            )
        # A command that fails because it leaked says so to a detector; any other failure measures nothing.
        if ran.code and not any(seen.leaks for seen in found.values()):
            when = "before any repair" if side == BEFORE else "after the repairs, though not before them"
            raise ProofError(
                f"{_failed(command, ran, self.timeout)} {when}:\n{tail(ran.out)}\n"
                + (
                    "Make it pass in a fresh worktree first; what it needs can be installed with --setup."
                    if side == BEFORE
                    else "See the repairs with `repairbot fix --diff`; --rule leaves some out."
                )
            )
        if self.each and not ran.ticks:
            raise ProofError(f"no line of output holds {self.each!r} ({side}):\n{tail(ran.out)}")

    def _notes(self, ran: Ran, found: Mapping[str, Seen]) -> None:
        said = [note for seen in found.values() for note in seen.notes]
        if ran.cut:
            said.append("the middle of a long output was not kept: leaks told there were not counted")
        original = self.trees.repository + os.sep
        elsewhere = any(
            frame.path.startswith(original)
            for seen in found.values()
            for leak in seen.leaks or ()
            for frame in leak.trace
        )
        if elsewhere:
            said.append(
                "the command runs code of the original folder, not of the worktree (an editable install?): "
                "both sides may be the same"
            )
        self.notes += [note for note in said if note not in self.notes]


def chosen(names: Sequence[str], repository: str, commit: str) -> dict[str, Detector]:
    """The detectors that were named, or those that cost little and whose languages are in the commit."""
    every = walk()
    if names:
        return {name: every[name] for name in names}
    listed = git.output(repository, "ls-tree", "-r", "-z", "--name-only", commit).split(b"\0")
    suffixes = {os.path.splitext(os.fsdecode(name))[1] for name in listed}
    return {
        name: detector
        for name, detector in every.items()
        if detector.ALWAYS and (not detector.SUFFIXES or suffixes.intersection(detector.SUFFIXES))
    }


def tail(text: str) -> str:
    """The last lines of an output, indented."""
    lines = [line for line in text.splitlines() if line.strip()][-SHOWN:]
    return "\n".join(f"    {line[:200]}" for line in lines) or "    (it printed nothing)"


def _failed(command: str, ran: Ran, timeout: float) -> str:
    if ran.timed_out:
        return f"command {command!r} did not end within {timeout:g} seconds"
    if ran.code == 127:
        return (
            f"command {command!r} was not found (a compiler or tool that is not installed?), exit code 127,"
        )
    how = f"signal {-ran.code}" if ran.code < 0 else f"exit code {ran.code}"
    return f"command {command!r} failed with {how}"
