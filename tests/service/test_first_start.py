"""The first start as a person sees it: `repairbot serve` in an empty folder, a browser, and a reviewed pull request."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.github.rig import apps
from tests.github.rig.server import Rig
from tests.service.processes import environment, start, until
from tests.service.pulls import ONE, counted, done, pull
from tests.service.test_browser import DESK, looked_at, window


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.mark.slow
def test_from_an_empty_folder_to_a_review_on_the_status_page(rig: Rig, tmp_path: Path) -> None:
    told = environment(rig, tmp_path / "home", PORT=str(free_port()), HOST="127.0.0.1")
    for name in rig.app.settings():
        del told[name]
    head = pull(rig, 7)
    running = start("serve", told)
    try:
        until(lambda: any("/setup?key=" in line for line in running.said), what="\n".join(running.said))
        (opening,) = [found[0] for line in running.said if (found := re.search(r"http://\S+key=\S+", line))]
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            with window(browser, DESK) as context:
                page = context.new_page()
                page.goto(opening)
                page.get_by_role("button", name="Create the App on 127.0.0.1").click()
                page.get_by_role("button", name="Create GitHub App for octo").click()
                page.get_by_role("heading", name="The App is made").wait_for()
                token = page.locator(".token").inner_text()
                until(lambda: running.url, what="\n".join(running.said))
                rig.app.hook = f"{running.url}/webhook"
                assert rig.app.deliver("pull_request", apps.opened(7, head)).status == 202
                until(lambda: done(rig, [7]), what="\n".join(running.said))
                assert counted(rig, 7) == ONE
                page.get_by_role("link", name="status page").click()
                page.get_by_label("Token of the status page").fill(token)
                page.get_by_role("button", name="Log in").click()
                page.get_by_role("link", name="octo/leaky#7").wait_for()
                assert "1 leak" in page.locator("ul.rows").first.inner_text()
                looked_at(page, "first")
                figures = context.request.get(f"{running.url}/metrics").text()
                assert 'repairbot_deliveries_total{event="pull_request",result="queued"} 1.0' in figures
                assert 'repairbot_jobs_total{outcome="commented"} 1.0' in figures
                assert 'repairbot_step_seconds_count{step="look"} 1.0' in figures
                assert 'repairbot_github_limit_remaining{installation="3"}' in figures
                page.goto(f"{running.url}/setup")
                assert "Not Found" in page.content()
            browser.close()
        assert running.stop() < 20
        said = "\n".join(running.said)
        assert token not in said
        assert "PRIVATE KEY" not in said
    finally:
        running.kill()
