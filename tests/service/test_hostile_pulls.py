"""A pull request that does everything that hurts at once, given to the App as it runs: nothing of it is run, nothing
leaks, its review comes, and the next one too."""

from __future__ import annotations

import re
from pathlib import Path

import psutil
import pytest

from tests.github.reviewing import leaks
from tests.github.rig import apps
from tests.github.rig.repository import Content
from tests.github.rig.server import Rig
from tests.service.processes import environment, serving, until
from tests.service.pulls import ONE, counted, done, pull

MENTION = "@everyone"


def hurtful(marker: Path) -> dict[str, Content | tuple[str, str]]:
    """Its files. Whatever of it is run leaves `marker`."""
    touch = f"touch {marker}; cat"
    run = f"import os\nos.system('touch {marker}')\n"
    deep = "def f():\n    file = open('x')\n    return " + "(" * 30_000 + ")" * 30_000 + "\n"
    return {
        "deep.py": deep,
        "deep.ts": "const f = " + "[" * 50_000 + "]" * 50_000 + ";\n",
        "deep.zig": "const f = " + "(" * 50_000 + ")" * 50_000 + ";\n",
        "deep.rs": "fn f() { let x = " + "(" * 50_000 + ")" * 50_000 + "; }\n",
        "chain.py": "x = a" + ".b" * 40_000 + "\n",
        "huge.py": "open('x')\n" * 400_000,
        "nul.py": "file = open('x')\0\n",
        "latin.py": b"# \xe9\nfile = open('x')\n",
        "link.py": ("120000", "/etc/passwd"),
        "folder": ("120000", "../../../.."),
        "module": ("160000", "a" * 40),
        ".gitmodules": f'[submodule "module"]\n\tpath = module\n\turl = ext::sh -c "touch {marker}"\n',
        ".gitattributes": "* filter=evil diff=evil merge=evil\n",
        ".gitconfig": f'[core]\n\tfsmonitor = "{touch}"\n',
        "nested/HEAD": "ref: refs/heads/main\n",
        "nested/config": f'[core]\n\tbare = true\n\tfsmonitor = "{touch}"\n',
        "nested/objects/.keep": "",
        "nested/refs/.keep": "",
        "conftest.py": run,
        "sitecustomize.py": run,
        "usercustomize.py": run,
        "repairbot/__init__.py": run,
        "repairbot_rules/__init__.py": run,
        "json.py": run,
        "build.zig": f'pub fn build() void {{ _ = @embedFile("{marker}"); }}\n',
        "package.json": f'{{"scripts": {{"preinstall": "touch {marker}"}}}}\n',
        "tsconfig.json": '{"compilerOptions": {"plugins": [{"name": "./evil"}]}}\n',
        "build.rs": f'fn main() {{ std::process::Command::new("touch").arg("{marker}"); }}\n',
        ".repairbot.toml": "[review]\nmax-comments = 0\n[paths]\nexclude = ['*']\n",
        f"{MENTION} [x](javascript:1) <img src=x>.py": leaks("one"),
        "line\nfeed\x1b[31m.py": leaks("two"),
        "right\u202eleft.py": leaks("three"),
        "mentions.py": leaks("four").replace("file = open(path)", f"file = open(path)  # {MENTION} fixes #1"),
    }


def outside_of_code(markdown: str) -> str:
    """What Markdown shows as text: without fences and code spans."""
    without = re.sub(r"^(`{3,})[^\n]*\n.*?^\1`*$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", without)


@pytest.mark.slow
def test_everything_that_hurts_at_once(rig: Rig, tmp_path: Path) -> None:
    home, marker, temporary = tmp_path / "home", tmp_path / "ran", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    touch = f"touch {marker}; cat"
    (home / ".gitconfig").write_text(
        f'[filter "evil"]\n\tsmudge = {touch}\n\tclean = {touch}\n[diff "evil"]\n\ttextconv = "{touch}"\n'
        f'\tcommand = "{touch}"\n[merge "evil"]\n\tdriver = "{touch}"\n[protocol "ext"]\n\tallow = always\n'
    )
    git = rig.state.repository
    git.commit("main", {"README.md": "leaky\n", ".repairbot.toml": "[limits]\nseconds = 10\n"})
    head = git.commit("hurtful", hurtful(marker), git.tip("main"))
    rig.state.open(7, "hurtful", title=f"{MENTION} <script>")
    told = environment(rig, tmp_path / "app", HOME=str(home), TMPDIR=str(temporary))
    with serving(rig, told) as app:
        server = psutil.Process(app.process.pid)
        pull(rig, 8)
        assert rig.app.deliver("pull_request", apps.opened(8, rig.state.pulls[8].head)).status == 202
        until(lambda: done(rig, [8]), what="\n".join(app.said))
        before = server.memory_info().rss
        assert rig.app.deliver("pull_request", apps.opened(7, head)).status == 202
        until(lambda: done(rig, [7]), 100, "\n".join(app.said))
        third = pull(rig, 9)
        assert rig.app.deliver("pull_request", apps.opened(9, third)).status == 202
        until(lambda: done(rig, [9]), what="\n".join(app.said))
        assert server.memory_info().rss - before < 100 << 20
        until(lambda: len(server.children(recursive=True)) == 1, 20, "the worker's children stayed")
        app.stop()
    assert app.process.returncode == 0
    assert not marker.exists(), "something of the pull request was run"
    assert counted(rig, 8) == counted(rig, 9) == ONE

    held = rig.state.pulls[7]
    commented = {each.path for thread in held.threads for each in thread.comments}
    assert commented == {name for name, content in hurtful(marker).items() if "readline" in str(content)}
    (report,) = [each.body for each in rig.state.comments_of(7)]
    (check,) = [each for each in rig.state.checks if each.head_sha == head]
    for name in ("deep.py", "huge.py", "nul.py"):
        assert name in report, "what could not be looked at is said"
    assert check.conclusion == "neutral"
    posted = [
        report,
        check.summary or "",
        check.text or "",
        *(thread.comments[0].body for thread in held.threads),
    ]
    for body in posted:
        assert MENTION not in outside_of_code(body)
        assert "\x1b" not in body
        assert "\u202e" not in body
        assert "<img" not in outside_of_code(body)
        assert "root:x:0" not in body
    assert [each.name for each in temporary.iterdir() if "repairbot" in each.name] == []
    said = "\n".join(app.said)
    assert not any(issued.value in said for issued in rig.app.issued)
    assert rig.app.key.splitlines()[1] not in said
