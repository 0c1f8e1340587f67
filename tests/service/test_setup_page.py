"""The first start: GitHub makes the App from a manifest, and its secrets are kept."""

from __future__ import annotations

import html
import json
import re
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from repairbot.github.transport import Site
from repairbot.service import setup
from repairbot.service.login import Login
from repairbot.service.settings import Settings
from repairbot.service.setup import Setup, SetupError
from tests.github.rig.judge import Judge
from tests.github.rig.manifest import problems
from tests.github.rig.repository import Repository
from tests.github.rig.server import Rig, serve
from tests.github.rig.state import State
from tests.service.servers import running


@dataclass
class Door:
    """The setup as it runs, the GitHub it speaks to, and somebody's browser."""

    url: str
    setup: Setup
    rig: Rig
    folder: Path
    done: threading.Event
    browser: requests.Session

    def come_in(self) -> str:
        """Open the page with the key; its text."""
        answer = self.browser.get(f"{self.url}/setup?key={self.setup.key}", timeout=20)
        assert answer.status_code == 200
        assert "key=" not in answer.url
        return answer.text

    def form(self, text: str) -> tuple[str, dict[str, object]]:
        """The address of the form with the manifest, and the manifest."""
        action = re.search(r'<form method="post" action="([^"]+)"', text)
        value = re.search(r'name="manifest" value="([^"]+)"', text)
        assert action
        assert value
        return html.unescape(action[1]), json.loads(html.unescape(value[1]))

    def make(self) -> str:
        """Press the button, here and on GitHub; the address that GitHub sends the browser back to."""
        action, manifest = self.form(self.come_in())
        answer = self.browser.post(action, data={"manifest": json.dumps(manifest)}, timeout=20)
        code = re.search(r"code=(\w+)", answer.text)
        assert code, answer.text
        back = self.browser.post(
            f"{self.rig.url}/settings/apps/create?code={code[1]}", allow_redirects=False, timeout=20
        )
        return str(back.headers["Location"])


@pytest.fixture
def door(tmp_path: Path, judge: Judge) -> Iterator[Door]:
    done, folder = threading.Event(), tmp_path / "app"
    with serve(State(Repository(tmp_path / "leaky.git")), judge) as rig:
        site = Site.of(rig.environment(""))
        held = Setup(folder, site, done.set)
        with running(held.app()) as url, requests.Session() as browser:
            yield Door(url, held, rig, folder, done, browser)
        assert rig.violations == []


def test_from_the_button_to_an_app_that_can_start(door: Door) -> None:
    answer = door.browser.get(door.make(), timeout=20)
    assert answer.status_code == 200
    assert door.done.wait(20)
    (token,) = re.findall(r'class="token">([^<]+)<', answer.text)
    assert "/apps/repairbot-" in answer.text
    held = setup.settings({}, door.folder)
    settings = Settings.of(held)
    assert settings.app == door.rig.app.id
    assert settings.key == door.rig.app.key.strip()
    assert f"{settings.secret}<" not in answer.text
    assert "PRIVATE KEY" not in answer.text
    login = Login.of(held)
    assert login.right(token)
    assert not login.right(token + "x")
    assert token not in (door.folder / setup.FILE).read_text()


def test_the_secrets_are_readable_by_their_owner_alone(door: Door) -> None:
    door.browser.get(door.make(), timeout=20)
    assert stat.S_IMODE((door.folder / setup.FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(door.folder.stat().st_mode) == 0o700
    assert [each.name for each in door.folder.iterdir()] == [setup.FILE]


def test_the_page_is_locked_afterwards(door: Door) -> None:
    back = door.make()
    assert door.browser.get(back, timeout=20).status_code == 200
    before = (door.folder / setup.FILE).read_bytes()
    for path in (back, f"{door.url}/setup", f"{door.url}/setup?key={door.setup.key}"):
        assert door.browser.get(path, timeout=20).status_code == 410
    with pytest.raises(SetupError, match="is there already"):
        setup.keep(door.folder, {"APP_ID": "13"})
    assert (door.folder / setup.FILE).read_bytes() == before
    assert not setup.wanted({}, door.folder)


def test_nobody_gets_in_without_the_key(door: Door) -> None:
    for path in ("/setup", "/setup?key=", "/setup?key=wrong", "/"):
        answer = requests.get(door.url + path, timeout=20)
        assert answer.status_code == 403
        assert "manifest" not in answer.text
    assert door.setup.key not in repr(door.setup)


@pytest.mark.parametrize("state", ["", "wrong", "é"])
def test_an_answer_that_nobody_asked_for_makes_no_app(door: Door, state: str) -> None:
    back = urlsplit(door.make())
    code = parse_qs(back.query)["code"][0]
    answer = door.browser.get(f"{door.url}/setup/callback", params={"code": code, "state": state}, timeout=20)
    assert answer.status_code == 403
    assert not any(door.folder.iterdir())
    assert not any("app-manifests" in each.path for each in door.rig.log)


def test_another_browser_cannot_bring_the_answer(door: Door) -> None:
    assert requests.get(door.make(), timeout=20).status_code == 403
    assert not any(door.folder.iterdir())


def test_a_state_counts_once_and_for_an_hour(door: Door) -> None:
    moment = 0.0
    door.setup.clock = lambda: moment
    old = door.make()
    moment = 3_601.0
    assert door.browser.get(old, timeout=20).status_code == 403
    back = door.make().replace("code=", "code=wrong")
    answer = door.browser.get(back, timeout=20)
    assert answer.status_code == 502
    assert "Not Found" in answer.text
    assert door.browser.get(back, timeout=20).status_code == 403
    assert not any(door.folder.iterdir())
    assert not door.done.is_set()


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("public=javascript:alert(1)", True),
        ("public=https://a/%22><script>", True),
        ("public=https://u:p@bot.example.org", True),
        ("public=https://bot.example.org/x", True),
        ("organisation=../evil", True),
        ("public=https://bot.example.org&organisation=octo-org&push=yes", False),
    ],
)
def test_other_choices_are_checked_and_get_into_the_manifest(door: Door, query: str, wrong: bool) -> None:
    door.come_in()
    answer = door.browser.get(f"{door.url}/setup?{query}", timeout=20)
    assert ('<p class="notice">T' in answer.text) == wrong
    assert "<script" not in answer.text
    action, manifest = door.form(answer.text)
    assert problems(manifest) == []
    if not wrong:
        assert f"{door.rig.url}/organizations/octo-org/settings/apps/new?state=" in action
        assert manifest["hook_attributes"] == {"url": "https://bot.example.org/webhook", "active": True}
        assert manifest["redirect_url"] == f"{door.url}/setup/callback"
        assert manifest["default_permissions"] == {
            "contents": "write",
            "pull_requests": "write",
            "checks": "write",
            "issues": "write",
        }


def test_the_policy_lets_the_form_go_to_github_and_nothing_else(door: Door) -> None:
    door.come_in()
    policy = door.browser.get(f"{door.url}/setup", timeout=20).headers["Content-Security-Policy"]
    assert f"form-action 'self' {door.rig.url};" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_folder_that_cannot_be_written_to_is_said(door: Door) -> None:
    back = door.make()
    door.folder.rmdir()
    door.folder.write_text("a file")
    for path in (back, f"{door.url}/setup"):
        answer = door.browser.get(path, timeout=20)
        assert answer.status_code >= 500
        assert "cannot be made" in answer.text


def test_what_the_environment_says_goes_before_what_the_setup_kept(tmp_path: Path) -> None:
    assert setup.wanted({}, tmp_path)
    assert not setup.wanted({"APP_ID": "1"}, tmp_path)
    setup.keep(tmp_path, {"APP_ID": "12", "PRIVATE_KEY": "old", "WEBHOOK_SECRET": "s"})
    held = setup.settings({"PRIVATE_KEY_PATH": "/new", "WEBHOOK_SECRET": "t"}, tmp_path)
    assert held == {"APP_ID": "12", "PRIVATE_KEY_PATH": "/new", "WEBHOOK_SECRET": "t"}


@pytest.mark.parametrize("content", ["", "[]", '{"APP_ID": 12}', "\x00"])
def test_a_kept_file_that_was_broken_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / setup.FILE).write_text(content)
    with pytest.raises(SetupError, match=re.escape(setup.FILE)):
        setup.settings({}, tmp_path)
