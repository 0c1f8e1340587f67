"""`prove --auto`: functions called by themselves, before and after, and why others cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import npm
from tests.proof import programs
from tests.proof.test_prove import proven

SERVICE = '''\
"""A service of three members."""

from collections import defaultdict
from pathlib import Path


class Health:
    """Lives as long as the server."""

    def __init__(self, window: int = 50) -> None:
        self.window = window
        self.latencies: defaultdict[str, list[float]] = defaultdict(list)
        self.depths: list[int] = []
        self.handlers: dict[str, list[str]] = {}

    def record(self, agent: str, seconds: float, depth: int | None) -> None:
        self.latencies[agent].append(seconds)
        self.depths.append(depth or 0)

    def recent(self, agent: str) -> list[float]:
        return self.latencies[agent][-20:]

    def deep(self) -> int:
        return max(self.depths[-30:])

    def add_handler(self, event: str, name: str) -> None:
        self.handlers.setdefault(event, []).append(name)

    def remove_handler(self, event: str, name: str) -> None:
        held = self.handlers.get(event, [])
        if name in held:
            held.remove(name)


class Store:
    def __init__(self, connection) -> None:
        self.connection = connection
        self.rows: list[str] = []

    async def put(self, row: str) -> None:
        self.rows.append(row)

    def last(self) -> list[str]:
        return self.rows[-5:]


HEALTH = Health()
'''


@pytest.mark.slow
def test_members_that_grow_are_called_and_their_bounds_measured(tmp_path: Path) -> None:
    programs.committed(tmp_path, {"service.py": SERVICE})
    ran = proven(tmp_path, "--auto", "--unsafe-fixes", "-o", "proof.json")
    proof = json.loads((tmp_path / "proof.json").read_text())
    measured = {(m["subject"], m["what"]): m for m in proof["measurements"]}
    latencies = measured["Health.record", "self.latencies"]
    assert latencies["before"]["verdict"] == "leaks", ran.out
    assert latencies["before"]["slope"] == pytest.approx(1)
    assert latencies["after"]["verdict"] == "flat"
    assert latencies["after"]["top"] == 3 + 3 * 20
    depths = measured["Health.record", "self.depths"]
    assert (depths["before"]["verdict"], depths["after"]["verdict"]) == ("leaks", "flat")
    assert depths["after"]["top"] == 30
    memory = measured["Health.record", "traced memory"]
    assert (memory["before"]["verdict"], memory["after"]["verdict"]) == ("leaks", "flat")
    assert any(
        "Store cannot be made: parameter connection has no annotation" in r for r in proof["not_called"]
    )


MONITOR = """\
/** Lives as long as the server. */
export class HealthMonitor {
  private latencies: number[] = [];

  constructor(private readonly name: string, private readonly options: { size: number; kind?: string }) {}

  record(agent: string, seconds: number, depth?: number): void {
    this.latencies.push(seconds);
  }

  recent(): number[] {
    return this.latencies.slice(-20);
  }
}

export const monitor = new HealthMonitor("one", { size: 1 });
"""
SCRIPT = """\
'use strict';

class HealthMonitor {
  constructor(socket) {
    this.latencies = [];
  }

  /** @param {number} seconds */
  record(seconds) {
    this.latencies.push(seconds);
  }

  recent() {
    return this.latencies.slice(-20);
  }
}

module.exports = { monitor: new HealthMonitor() };
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text"), [("monitor.ts", MONITOR), ("monitor.js", SCRIPT)])
def test_node_calls_a_method_of_typescript_and_of_javascript(tmp_path: Path, name: str, text: str) -> None:
    programs.committed(tmp_path, {name: text, ".gitignore": "node_modules\n"})
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "typescript").symlink_to(npm.package(npm.TYPESCRIPT))
    ran = proven(tmp_path, "--auto", "-o", "proof.json")
    assert ran.code == 0, ran.out + ran.err
    measured = {m["what"]: m for m in json.loads((tmp_path / "proof.json").read_text())["measurements"]}
    before, after = measured["this.latencies"]["before"], measured["this.latencies"]["after"]
    assert (before["verdict"], after["verdict"], after["top"]) == ("leaks", "flat", 20)
    assert before["slope"] == pytest.approx(1)


def test_node_says_what_it_cannot_make(tmp_path: Path) -> None:
    text = MONITOR.replace("private readonly name: string", "private readonly socket: Socket")
    programs.committed(tmp_path, {"monitor.ts": text})
    ran = proven(tmp_path, "--auto")
    assert "HealthMonitor cannot be made: parameter socket: Socket, of which no plain value" in ran.out


ZIG = """\
const std = @import("std");

fn parse(allocator: std.mem.Allocator, text: []const u8) ![]u8 {
    const copy = try allocator.dupe(u8, text);
    if (std.mem.startsWith(u8, text, "title: ")) return error.Unknown;
    return copy;
}

fn send(allocator: std.mem.Allocator, out: *std.Io.Writer) !void {
    const copy = try allocator.dupe(u8, "text");
    try out.writeAll(copy);
    allocator.free(copy);
}

test {
    _ = &parse;
    _ = &send;
    _ = "title";
}
"""


@pytest.mark.slow
def test_a_zig_function_with_an_allocator_is_called_on_all_its_ways(tmp_path: Path) -> None:
    text = ZIG.replace('"title: "', '"title"')
    programs.committed(tmp_path, {"parse.zig": text})
    ran = proven(tmp_path, "--auto")
    assert "parse: leaks (zig)" in ran.out, ran.out + ran.err
    assert "after   no leaks" in ran.out
    assert "measured: parse.zig:4" in ran.out
    assert "send: send takes out: *std.Io.Writer, of which no plain value can be made" in ran.out
    assert ran.code == 0
