"""The App's pages in a browser: on a phone and on a desk, light and dark, without a script.

`REPAIRBOT_PICTURES` names a folder for what was seen.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from repairbot.github.transport import Site
from repairbot.service.setup import FILE, Setup
from tests.github.rig.judge import Judge
from tests.github.rig.repository import Repository
from tests.github.rig.server import serve
from tests.github.rig.state import State
from tests.service.board import TOKEN, Board, served
from tests.service.servers import running

DESK, PHONE = 1280, 390
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    with served(tmp_path_factory.mktemp("board")) as held:
        yield held


def window(browser: Browser, width: int, scheme: Literal["light", "dark"] = "light") -> BrowserContext:
    return browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        java_script_enabled=True,
        device_scale_factor=2 if width == PHONE else 1,
    )


def looked_at(page: Page, name: str) -> None:
    """What holds for each page: nothing is wider than the window; and its picture is kept where somebody wants it."""
    viewport = page.viewport_size
    assert viewport
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    if folder := os.environ.get("REPAIRBOT_PICTURES"):
        page.screenshot(path=str(Path(folder, f"{name}-{viewport['width']}.png")), full_page=True)


def complaints(page: Page) -> list[str]:
    """What the browser says against the page from now on: refused styles, scripts, forms."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def log_in(page: Page, board: Board) -> None:
    page.goto(board.url)
    page.get_by_label("Token of the status page").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Log out").wait_for()


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_setup_is_walked_through(browser: Browser, tmp_path: Path, width: int) -> None:
    done: list[bool] = []
    with serve(State(Repository(tmp_path / "leaky.git")), Judge()) as rig:
        held = Setup(tmp_path / "app", Site.of(rig.environment("")), lambda: done.append(True))
        with running(held.app()) as url, window(browser, width) as context:
            page = context.new_page()
            said = complaints(page)
            page.goto(f"{url}/setup?key={held.key}")
            looked_at(page, "setup")
            page.get_by_label("Public address of this server").fill("https://bot.example.org")
            page.get_by_role("button", name="Use these").click()
            page.wait_for_url("**/setup?**")
            looked_at(page, "setup-address")
            page.get_by_role("button", name="Create the App on 127.0.0.1").click()
            page.get_by_role("button", name="Create GitHub App for octo").click()
            page.get_by_role("heading", name="The App is made").wait_for()
            looked_at(page, "made")
            assert len(page.locator(".token").inner_text()) > 40
            assert page.url.startswith(f"{url}/setup/callback")
            assert (tmp_path / "app" / FILE).exists()
            assert done == [True]
            page.goto(f"{url}/setup")
            assert "The page is closed" in page.content()
            assert [each for each in said if "410" not in each] == []
        assert rig.violations == []


@pytest.mark.parametrize(("width", "scheme"), [(DESK, "light"), (PHONE, "light"), (PHONE, "dark")])
def test_the_status_page_is_read(
    browser: Browser, board: Board, width: int, scheme: Literal["light", "dark"]
) -> None:
    with window(browser, width, scheme) as context:
        page = context.new_page()
        said = complaints(page)
        page.goto(board.url)
        assert "octo/" not in page.content()
        looked_at(page, f"login-{scheme}")
        page.get_by_label("Token of the status page").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("That is not the token").wait_for()
        log_in(page, board)
        looked_at(page, f"status-{scheme}")
        assert page.get_by_role("link", name="octo/leaky#991").count() == 1
        assert page.get_by_role("heading", name="Failed 2").count() == 1
        assert "Compare the App's permissions" in page.locator(".failure").first.inner_text()
        curves = page.locator("svg.trend").all()
        assert len(curves) == 5
        assert all((box := each.bounding_box()) and box["width"] > 60 for each in curves)
        (cookie,) = context.cookies()
        assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Lax")
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("button", name="Log in").wait_for()
        assert "octo/" not in page.content()
        assert context.cookies() == []
        assert [each for each in said if "403" not in each] == []


def test_a_failed_job_is_run_again_without_a_script(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as board, browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        log_in(page, board)
        page.get_by_role("button", name="Run again").first.click()
        page.get_by_text("It is queued again").wait_for()
        assert board.jobs.ran_again == ["review:octo/leaky#980:d-9"]
        assert page.get_by_role("heading", name="Failed 1").count() == 1


def test_another_site_can_press_no_button(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as board, window(browser, DESK) as context:
        page = context.new_page()
        log_in(page, board)
        page.goto("about:blank")
        page.set_content(
            f'<form method="post" action="{board.url}/retry"><input name="job" value="review:octo/leaky#980:d-9">'
            "<button>Win</button></form>"
        )
        page.get_by_role("button", name="Win").click()
        page.get_by_role("heading", name="Not done").wait_for()
        assert board.jobs.ran_again == []


def test_an_app_that_did_nothing_yet_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, filled=False) as board, window(browser, PHONE) as context:
        page = context.new_page()
        log_in(page, board)
        looked_at(page, "empty")
        assert "Open a pull request" in page.content()
