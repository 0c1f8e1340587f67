"""Small programs of ours, each with a leak and repaired; what they do is counted by lines that say "done"."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import npm
from tests.commandline import environment, git

ROUNDS = 120
"""Iterations in the suite: enough to be judged, about a second."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program in one file, and how it is run. `detector`: the one that has to see the leak."""

    name: str
    leaky: str
    clean: str
    build: str
    run: str
    each: str
    detector: str
    needs: tuple[str, ...] = ()
    """Programs that the machine must have, see tests/tools.py."""


PYTHON = Program(
    "service.py",
    """\
import time


class Service:
    def __init__(self):
        self.seen = []

    def serve(self, number):
        self.seen.append("x" * 2000 + str(number))
        return len(self.seen[-10:])


service = Service()
for number in range(ROUNDS):
    for _ in range(5):
        service.serve(number)
    print("done", number)
    time.sleep(0.006)
""".replace("ROUNDS", str(ROUNDS)),
    "",
    "",
    f"{sys.executable} service.py",
    "done",
    "python",
)
PYTHON = Program(
    PYTHON.name,
    PYTHON.leaky,
    PYTHON.leaky.replace("        return len(", "        del self.seen[:-10]\n        return len("),
    *(PYTHON.build, PYTHON.run, PYTHON.each, PYTHON.detector),
)

_NODE = """\
const held: string[] = [];

function serve(number: number): number {
  held.push("x".repeat(2000).split("").join("") + number);
  return held.length;
}
for (let number = 0; number < ROUNDS; number++) {
  for (let each = 0; each < 5; each++) serve(number);
  console.log("done", number);
  await new Promise((go) => setTimeout(go, 6));
}
""".replace("ROUNDS", str(2 * ROUNDS))
NODE = Program(
    "service.mts",
    _NODE,
    _NODE.replace("  return held", "  if (held.length > 10) held.shift();\n  return held"),
    "node TYPESCRIPT/bin/tsc --module nodenext --target es2022 --inlineSourceMap service.mts",
    "node service.mjs",
    "done",
    "node",
)

_RUST = """\
fn serve(number: usize) -> usize {
    let held = vec![number as u8; 20_000];
    let size = held.len();
    std::mem::forget(held);
    size
}

fn main() {
    for number in 0..ROUNDS {
        let mut sum = 0;
        for _ in 0..5 {
            sum += serve(number);
        }
        println!("done {sum}");
        std::thread::sleep(std::time::Duration::from_millis(6));
    }
}
""".replace("ROUNDS", str(2 * ROUNDS))
RUST = Program(
    "service.rs",
    _RUST,
    _RUST.replace("    std::mem::forget(held);\n", ""),
    "rustc -g service.rs",
    "./service",
    "done",
    "process",
    ("rustc",),
)

_C = """\
#include <stdio.h>
#include <stdlib.h>

struct node { struct node *next; char text[40]; };

static int serve(int number) {
    struct node *first = calloc(1, sizeof *first);
    if (!first) return 0;
    first->next = calloc(1, sizeof *first);
    first->text[0] = (char)number;
    int size = first->text[0];
    FREE
    return size;
}

int main(void) {
    for (int number = 0; number < 3; number++) printf("done %d\\n", serve(number));
    return 0;
}
"""
C = Program(
    "service.c",
    _C.replace("FREE", "first = 0;"),
    _C.replace("FREE", "free(first->next); free(first);"),
    "gcc -g -fsanitize=address service.c -o service",
    "./service",
    "",
    "sanitizer",
    ("gcc",),
)
VALGRIND = Program(
    C.name,
    C.leaky,
    C.clean,
    "gcc -g service.c -o service",
    "./service",
    "",
    "valgrind",
    ("gcc", "valgrind"),
)

_ZIG = """\
const std = @import("std");

fn serve(allocator: std.mem.Allocator, number: u8) !u8 {
    const text = try allocator.alloc(u8, 100);
DEFER_TEXT    @memset(text, number);
    const copy = try allocator.dupe(u8, text);
DEFER_COPY    return copy[0];
}

pub fn main() !void {
    var gpa = std.heap.GeneralPurposeAllocator(.{}){};
    defer _ = gpa.deinit();
    _ = try serve(gpa.allocator(), 7);
}
"""
ZIG = Program(
    "main.zig",
    _ZIG.replace("DEFER_TEXT", "").replace("DEFER_COPY", ""),
    _ZIG.replace("DEFER_TEXT", "    defer allocator.free(text);\n").replace(
        "DEFER_COPY", "    defer allocator.free(copy);\n"
    ),
    "",
    f"{sys.executable} -m ziglang run main.zig",
    "",
    "zig",
)

ZIG_BUILD = """\
const std = @import("std");

pub fn build(b: *std.Build) void {
    const program = b.addExecutable(.{
        .name = "service",
        .root_module = b.createModule(.{
            .root_source_file = b.path("main.zig"),
            .target = b.graph.host,
            .optimize = .Debug,
        }),
    });
    b.step("run", "Run the service").dependOn(&b.addRunArtifact(program).step);
}
"""

ALL = (PYTHON, NODE, RUST, C, VALGRIND, ZIG)


def repository(folder: Path, program: Program) -> None:
    """A repository whose last commit leaks and whose working tree is repaired."""
    committed(folder, {program.name: program.leaky})
    (folder / program.name).write_text(program.clean)


def committed(folder: Path, files: Mapping[str, str]) -> None:
    """A repository with these files in its one commit."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
        (folder / ".git" / "info" / "exclude").write_text(".cache/\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a state")


def build(folder: Path, program: Program, text: str) -> None:
    """Write and build one side of a program in a folder."""
    (folder / program.name).write_text(text)
    if program.build:
        command = program.build
        if "TYPESCRIPT" in command:
            command = command.replace("TYPESCRIPT", str(npm.package(npm.TYPESCRIPT)))
        subprocess.run(command, shell=True, cwd=folder, env=environment(folder), check=True, timeout=100)


def bare() -> dict[str, str]:
    """This environment without what would reach into the programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
