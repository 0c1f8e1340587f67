"""The App before somebody else's double of GitHub: npm's `emulate` checks its JWT, tokens and rights, and calls it.

It lists no files of pull requests and has no GraphQL (0.12.2), so that a review ends there before it is posted; the
rig's tests go to the end.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from repairbot.github.errors import BadToken, Denied, NotThere
from repairbot.github.transport import Site
from repairbot.service.tokens import COMMANDS, READ, REVIEW, App
from tests import npm
from tests.github.rig import apps
from tests.github.rig.prism import NODE
from tests.service.processes import start, until

pytestmark = pytest.mark.xdist_group("emulate")
PROGRAM = Path(__file__).parent / "emulate.mjs"
REPO, SECRET = "octocat/leaky", "hush"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@dataclass(frozen=True)
class Elsewhere:
    """The double: its address, the App's key, and the port where it expects the App's webhook."""

    url: str
    key: str
    hook: int

    @property
    def site(self) -> Site:
        return Site(self.url, f"{self.url}/graphql", self.url)

    def app(self, key: str = "") -> App:
        return App(12345, key or self.key, self.site)

    def call(self, method: str, path: str, **body: str) -> Any:
        """Something a person does."""
        asked = requests.request(
            method,
            self.url + path,
            headers={"Authorization": "token token_of_octocat"},
            json=body or None,
            timeout=20,
        )
        assert asked.ok, asked.text
        return asked.json()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    home = npm.package(npm.EMULATE).parents[1]
    shutil.copy(PROGRAM, home)  # it imports the package from where it stands
    hook = free_port()
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            NODE,
            PROGRAM.name,
            str(free_port()),
            f"http://127.0.0.1:{hook}/webhook",
            SECRET,
        ],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            assert running.stdout is not None
            held = json.loads(running.stdout.readline())
            yield Elsewhere(held["url"], held["key"]["value"], hook)
        finally:
            os.killpg(running.pid, signal.SIGKILL)  # Node is a child of the one that was started


def test_it_knows_the_app_by_its_jwt_and_nobody_else(elsewhere: Elsewhere) -> None:
    assert elsewhere.app().check() == "repairbot elsewhere"
    with pytest.raises(BadToken):
        elsewhere.app(apps.key()).check()


def test_it_gives_tokens_for_what_is_granted_and_holds_us_to_them(elsewhere: Elsewhere) -> None:
    app = elsewhere.app()
    for wanted in (REVIEW, COMMANDS):
        assert app.token(100, REPO, wanted)
    assert not app.may_commit(100)
    listed = requests.get(f"{elsewhere.url}/_emulate/installation-tokens", timeout=20).json()
    given = [each["permissions"] for each in listed["installation_tokens"]]
    assert {"contents": "read", "pull_requests": "write", "checks": "write"} in given
    assert {each.get("contents") for each in given} == {"read"}
    assert all(each["repository_selection"] == "selected" for each in listed["installation_tokens"])
    reading = app.installed(100, REPO, READ)
    assert reading.get(f"/repos/{REPO}")["full_name"] == REPO
    with pytest.raises(Denied):
        reading.write("POST", f"/repos/{REPO}/issues", {"title": "not allowed"})
    reading.close()
    with pytest.raises(NotThere):
        app.token(999, REPO, READ)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_its_signed_webhook_is_taken_in_and_worked_on(elsewhere: Elsewhere, tmp_path: Path) -> None:
    told = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    told |= {"APP_ID": "12345", "PRIVATE_KEY": elsewhere.key, "WEBHOOK_SECRET": SECRET}
    told |= {
        "HOST": "127.0.0.1",
        "PORT": str(elsewhere.hook),
        "REPAIRBOT_HOME": str(tmp_path),
        "SWEEP_MINUTES": "0",
    }
    told |= {"GITHUB_API_URL": elsewhere.url, "GITHUB_GRAPHQL_URL": f"{elsewhere.url}/graphql"}
    running = start("serve", {**told, "GITHUB_SERVER_URL": elsewhere.url})
    try:
        until(lambda: running.url, what="\n".join(running.said))
        tip = elsewhere.call("GET", f"/repos/{REPO}/git/ref/heads/main")["object"]["sha"]
        elsewhere.call("POST", f"/repos/{REPO}/git/refs", ref="refs/heads/topic", sha=tip)
        content = base64.b64encode(b"def read(path):\n    return open(path).read()\n").decode()
        elsewhere.call(
            "PUT", f"/repos/{REPO}/contents/store.py", message="A leak", content=content, branch="topic"
        )
        elsewhere.call("POST", f"/repos/{REPO}/pulls", title="A leak", head="topic", base="main")
        until(lambda: any("delivery: queued" in line for line in running.said), what="\n".join(running.said))
        # The review is on its way when it asks what stands there, which is GraphQL's to say.
        until(lambda: any("/graphql" in line for line in running.said), 100, "\n".join(running.said))
        assert not any("bad signature" in line for line in running.said)
    finally:
        running.kill()
