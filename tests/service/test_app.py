"""The App from end to end: signed deliveries in, reviews out, in processes of its own against the rig."""

from __future__ import annotations

from pathlib import Path

from tests.github.reviewing import leaks
from tests.github.rig import apps
from tests.github.rig.server import Rig
from tests.service.processes import environment, serving, until

REPO = "octo/leaky"


def pull(rig: Rig, number: int) -> str:
    """A pull request with one leak; its head."""
    git = rig.state.repository
    if not git.tip("main"):
        git.commit("main", {"README.md": "leaky\n"})
    branch = f"topic-{number}"
    head = git.commit(branch, {f"store_{number}.py": leaks(f"first_{number}")}, git.tip("main"))
    rig.state.open(number, branch)
    return head


def test_a_delivery_becomes_a_review(rig: Rig, tmp_path: Path) -> None:
    head = pull(rig, 7)
    with serving(rig, environment(rig, tmp_path)) as app:
        assert rig.app.deliver("pull_request", apps.opened(7, head)).status == 202
        until(lambda: rig.state.checks, what="\n".join(app.said))
        took = app.stop()
    print("\n".join(app.said))
    print([str(each) for each in rig.log])
    assert len(rig.state.pulls[7].reviews) == 1
    assert took < 20
    assert app.process.returncode == 0
