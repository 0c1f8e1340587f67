"""The console script: wakes a worker, hands over to the commands, and turns what goes wrong into one line."""

from __future__ import annotations

import os
import sys

from repairbot.child import Process, kinds

WORKING = frozenset({"audit", "fix", "baseline", "prove", "review", "action"})
"""The commands that examine files: their first worker starts while the command line is still being read."""
HELP = frozenset({"-h", "--help"})
INTERRUPTED, TERMINATED, PIPE_CLOSED = 130, 143, 141


def main() -> None:
    """Run one command and exit with its code: 0 clean, 1 findings, 2 usage or configuration, 3 partly failed."""
    arguments = sys.argv[1:]
    # Before everything else, and before everything is imported that the rest of this function needs.
    working = bool(arguments) and arguments[0] in WORKING and not HELP.intersection(arguments)
    first = Process(kinds(_place(arguments[1:]))) if working else None
    try:
        code = _run(arguments, first)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nrepairbot: interrupted; no file is half written", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:  # whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = PIPE_CLOSED
    finally:
        if first is not None:
            first.end()
    sys.exit(code)


def _place(arguments: list[str]) -> str:
    """The folder that a command is probably about."""
    return next((each for each in reversed(arguments) if os.path.isdir(each)), os.curdir)


def _run(arguments: list[str], first: Process | None) -> int:
    import signal

    signal.signal(signal.SIGTERM, _terminated)

    from repairbot.commands import run

    return run(arguments, first)


def _terminated(number: int, frame: object) -> None:
    sys.exit(TERMINATED)


if __name__ == "__main__":
    main()
