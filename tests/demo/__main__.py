"""`make demo`: repairbot looks at a small leaky service and shows what it would repair."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.demo import copy_service


def main() -> int:
    """Show the repairs of a copy of the service; 0 when there were some, else what repairbot said."""
    command = shutil.which("repairbot", path=str(Path(sys.executable).parent))
    if command is None:
        print("repairbot is not installed beside this Python; run `make demo`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        service = copy_service(Path(folder))
        print("$ repairbot fix --diff waymark/", flush=True)
        done = subprocess.run([command, "fix", "--diff", "waymark"], cwd=service, check=False)
    if done.returncode != 1:
        print(f"repairbot ended with {done.returncode}; 1 (would change) was expected", file=sys.stderr)
        return done.returncode or 3
    print("\nNothing was written: the service is tests/demo/leaky, and a copy of it was looked at.")
    print("To repair code of yours: .venv/bin/repairbot fix PATH")
    return 0


if __name__ == "__main__":
    sys.exit(main())
