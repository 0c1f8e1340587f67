"""`repairbot fix` asks the project's own TypeScript before it writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from repairbot.languages.typescript.compiler import new_errors
from tests import npm
from tests.commandline import repairbot

LEAKY = """\
import { open } from './files';

export async function first(path: string): Promise<string> {
  const file = await open(path);
  return file.text();
}
"""
FILES = """\
export interface File {
  text(): Promise<string>;
  close(): Promise<void>;
}

export declare function open(path: string): Promise<File>;
"""
TIMER = """\
export class Poller {
  private timer?: ReturnType<typeof setInterval>;
  private ended = false;

  start(): void {
    this.timer = setInterval(() => this.poll(), 5000);
  }

  dispose(): void {
    this.ended = true;
  }

  private poll(): void {}
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A strict project that has TypeScript."""
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "typescript").symlink_to(npm.package(npm.TYPESCRIPT))
    (tmp_path / "tsconfig.json").write_text(
        '{"compilerOptions": {"strict": true, "noEmit": true, "target": "es2022", "types": []}, "include": ["src"]}'
    )
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "files.ts").write_text(FILES)
    return tmp_path


def test_new_errors_are_named_and_old_ones_are_not(project: Path) -> None:
    file = project / "src" / "first.ts"
    wrong = "const count: number = 'many';\n"
    file.write_text(wrong + LEAKY)
    answer = new_errors(project, {file: (wrong + LEAKY, wrong + LEAKY.replace("text()", "dispose()"))})
    assert len(answer[file]) == 1
    assert "Property 'dispose' does not exist on type 'File'" in answer[file][0]


def test_a_good_change_has_none(project: Path) -> None:
    file = project / "src" / "first.ts"
    file.write_text(LEAKY)
    after = LEAKY.replace("  return file", "  await file.close();\n  return file")
    assert new_errors(project, {file: (LEAKY, after)}) == {file: ()}


def test_without_typescript_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "first.ts"
    assert new_errors(tmp_path, {file: ("", "")}) == {file: "no tsconfig.json"}
    (tmp_path / "tsconfig.json").write_text("{}")
    assert new_errors(tmp_path, {file: ("", "")}) == {file: "no typescript in node_modules"}


@pytest.mark.slow
def test_fix_asks_it(project: Path) -> None:
    (project / "src" / "poller.ts").write_text(TIMER)
    done = repairbot(project, "fix", "src")
    assert "tsc" in done.out
    assert "clearInterval(this.timer);" in (project / "src" / "poller.ts").read_text()


def test_a_file_that_would_not_compile_stays_as_it_was(project: Path) -> None:
    # What is declared makes the repair wrong: this project's clearInterval takes no handle.
    (project / "src" / "odd.d.ts").write_text("declare function clearInterval(): void;\n")
    config = project / "tsconfig.json"
    config.write_text(config.read_text().replace('"types": []', '"types": [], "lib": ["es2022"]'))
    text = TIMER.replace("?: ReturnType<typeof setInterval>", "?: number").replace(
        "export class",
        "declare function setInterval(work: () => void, every: number): number;\n\nexport class",
    )
    (project / "src" / "poller.ts").write_text(text)
    done = repairbot(project, "fix", "src")
    assert "TypeScript would say of the repaired file" in done.out + done.err
    assert (project / "src" / "poller.ts").read_text() == text
