"""How repairs of TypeScript are written: in the file's own way, and not at all where they would change what happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from repairbot import languages
from repairbot.edits import apply
from repairbot.examine import examine
from repairbot.languages.typescript.inspection import inspect
from repairbot.model import Edit, Finding, Settings

READ = """\
import * as fs from 'fs';

export function first(path: string): number {
  const descriptor = fs.openSync(path, 'r');
  // the first byte
  const bytes = Buffer.alloc(1);
  fs.readSync(descriptor, bytes, 0, 1, 0);
  return bytes[0];
}
"""
REPAIRED = """\
import * as fs from 'fs';

export function first(path: string): number {
  const descriptor = fs.openSync(path, 'r');
  try {
    // the first byte
    const bytes = Buffer.alloc(1);
    fs.readSync(descriptor, bytes, 0, 1, 0);
    return bytes[0];
  } finally {
    fs.closeSync(descriptor);
  }
}
"""


def findings(source: str, language: str = "typescript") -> list[Finding]:
    """What is found in a source, with the repairs."""
    known = languages.walk()[language]
    result = examine(source.encode(), f"example{known.suffixes[0]}", known, Settings()).result
    return list(result.findings)


def repaired(source: str, language: str = "typescript") -> str:
    """The source with its first repair."""
    fix = next(finding.fix for finding in findings(source, language) if finding.fix)
    return apply(source.encode(), fix.edits).decode()


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda text: text, id="plain"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="crlf"),
        pytest.param(lambda text: text.replace("  ", "\t"), id="tabs"),
        pytest.param(lambda text: text.replace("  ", "    "), id="four blanks"),
        pytest.param(lambda text: text.replace(";\n", "\n"), id="no semicolons"),
        pytest.param(lambda text: text.replace("first", "första"), id="not ascii"),
    ],
)
def test_the_files_own_way_of_writing_is_kept(written: Callable[[str], str]) -> None:
    assert repaired(written(READ)) == written(REPAIRED)


def test_texts_over_several_lines_are_not_shifted() -> None:
    body = "  const text = `one\ntwo`;\n  fs.writeSync(descriptor, text);\n"
    before = READ.replace("  // the first byte\n", body)
    assert "    const text = `one\ntwo`;\n    fs.writeSync(descriptor, text);\n" in repaired(before)


def test_what_is_returned_in_the_making_is_waited_for() -> None:
    before = """\
import { open } from 'fs/promises';

export async function size(path: string) {
  const file = await open(path);
  return file.stat();
}
"""
    after = repaired(before)
    assert "return await file.stat();" in after
    assert "await file.close();" in after


def test_a_teardown_on_one_line_is_spread() -> None:
    before = """\
export class Panel {
  private resized = new ResizeObserver(() => {})
  private seen = new IntersectionObserver(() => {})
  dispose() { this.resized.disconnect() }
}
"""
    after = repaired(before)
    assert "  dispose() {\n    this.resized.disconnect()\n    this.seen.disconnect()\n  }\n" in after


def test_using_is_written_where_the_file_does() -> None:
    before = """\
import { open } from 'fs/promises';

export async function first(path: string) {
  await using file = await open(path);
  return await file.readFile();
}

export async function second(path: string) {
  const file = await open(path);
  return await file.readFile();
}
"""
    assert repaired(before).count("await using file = await open(path);") == 2


def test_a_timer_that_may_be_null_is_asked() -> None:
    before = """\
export class Poller {
  private timer: ReturnType<typeof setInterval> | null = null;
  constructor() {
    this.timer = setInterval(() => this.poll(), 5000);
  }
  dispose(): void {
    this.ended = true;
  }
  private ended = false;
  private poll(): void {}
}
"""
    assert "    if (this.timer) {\n      clearInterval(this.timer);\n    }\n" in repaired(before)


def test_names_that_a_repair_hides_are_seen() -> None:
    before = b"const a = 1;\nuse(a);\n"
    edit = Edit(0, 12, "{ const a = 1; }")
    checks = inspect(before, apply(before, (edit,)), (edit,))
    assert [check.name for check in checks if check.result == "failed"] == ["names bound"]


def test_a_lost_comment_is_seen() -> None:
    before = b"use(1); // why\n"
    edit = Edit(7, 14, "")
    checks = inspect(before, apply(before, (edit,)), (edit,))
    assert checks[-1].name == "comments kept"
    assert checks[-1].result == "failed"
