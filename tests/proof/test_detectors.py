"""Each detector on real tools: a leaky program of ours and its repaired form; and on recorded output."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from repairbot.model import Frame, Side
from repairbot.proof.detectors import sanitizer, valgrind, walk, zig
from repairbot.proof.detectors.base import Seen, Tally
from repairbot.proof.judging import measurements
from repairbot.proof.run import Ran, run
from tests.proof import programs
from tests.proof.programs import Program


def seen(folder: Path, detector: str, command: str, each: str = "") -> tuple[Ran, Seen]:
    """One run of a command under one detector."""
    folder = folder.resolve()
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    for old in scratch.iterdir():
        old.unlink()
    chosen = walk()[detector]
    environment = programs.bare() | {"REPAIRBOT_TOP": str(folder)}
    environment |= chosen.environment(environment, str(scratch))
    whole = chosen.command(command, str(scratch))
    ran = run(whole, str(folder), environment, str(scratch), timeout=60, each=each)
    return ran, chosen.read(ran)


def sides(found: Seen) -> dict[str, Side]:
    """What was measured, by its name."""
    return {m.what: m.before for m in measurements([{"x": found}], [])}


def text_of(program: Program, side: str) -> str:
    return program.leaky if side == "leaky" else program.clean


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    [pytest.param(each, id=each.detector, marks=pytest.mark.needs(*each.needs)) for each in programs.ALL],
)
def test_a_leak_is_seen_and_its_repair(tmp_path: Path, program: Program) -> None:
    verdicts = {}
    for side in ("leaky", "clean"):
        programs.build(tmp_path, program, text_of(program, side))
        ran, found = seen(tmp_path, program.detector, program.run, program.each)
        assert ran.code in (0, 1), ran.out
        what = {"python": "traced memory", "node": "heap after collection", "process": "resident memory"}
        verdicts[side] = sides(found)[what.get(program.detector, "leaks")]
    assert (verdicts["leaky"].verdict, verdicts["clean"].verdict) == ("leaks", "flat"), verdicts
    if program.detector != "process" and program.detector != "node":
        lines = program.leaky.splitlines()
        frame = verdicts["leaky"].leaks[0].trace[0]
        assert frame.path == program.name
        assert any(word in lines[frame.line - 1] for word in ("append", "alloc", "dupe"))


def test_python_names_what_was_left_open_and_what_was_never_awaited(tmp_path: Path) -> None:
    (tmp_path / "careless.py").write_text(
        "async def task(): pass\n\ndef use():\n    open(__file__)\n    task()\n\nfor _ in range(2):\n    use()\n"
    )
    _, found = seen(tmp_path, "python", f"{sys.executable} careless.py")
    assert found.leaks is not None
    held = {leak.what: leak for leak in found.leaks}
    assert held["unclosed file"].count == 2
    assert Frame("careless.py", 4) in held["unclosed file"].trace
    assert held["coroutine 'task' was never awaited"].count == 2


def test_our_sitecustomize_runs_the_one_it_stands_before(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('the other one ran')\n")
    chosen = walk()["python"]
    given = programs.bare() | {"REPAIRBOT_TOP": str(tmp_path), "PYTHONPATH": str(own)}
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = given | dict(chosen.environment(given, str(scratch)))
    ran = run(f"{sys.executable} -c 'print(1)'", str(tmp_path), environment, str(scratch), timeout=30)
    assert "the other one ran" in ran.out
    assert chosen.read(ran).leaks == ()


def test_node_names_the_line_of_typescript_that_adds_too_many_listeners(tmp_path: Path) -> None:
    bus = (
        'import { EventEmitter } from "node:events";\ninterface Note {\n  at: number;\n}\n'
        "const bus = new EventEmitter();\nfor (let at = 0; at < 12; at++) {\n"
        '  bus.on("x", (note: Note) => note.at + at);\n}\n'
    )
    build = programs.NODE.build.replace("service", "bus") + " || true"  # the types of Node are not at hand
    programs.build(tmp_path, replace(programs.NODE, name="bus.mts", build=build), bus)
    _, found = seen(tmp_path, "node", "node bus.mjs")
    assert found.leaks is not None
    assert [(leak.what, leak.trace[0].path, leak.trace[0].line) for leak in found.leaks] == [
        ("too many listeners", "bus.mts", 7)
    ]


def test_a_process_that_outlives_the_command_is_ended_and_counted(tmp_path: Path) -> None:
    ran, found = seen(tmp_path, "process", "sleep 30 & sleep 0.3")
    assert ran.seconds < 10
    assert found.leaks is not None
    assert [(leak.what, leak.count) for leak in found.leaks] == [("a process was left behind", 1)]


ZIG_OLD = """\
error(gpa): memory address 0x7f3134a20000 leaked:
/p/src/leak.zig:5:27: 0x113d561 in twice (leak.zig)
    const y = try a.create(u64);
                          ^
/p/src/leak.zig:11:14: 0x113d701 in main (leak.zig)
    try twice(gpa.allocator());
             ^
/usr/lib/zig/std/start.zig:627:37: 0x113df79 in posixCallMainAndExit (std.zig)
            const result = root.main() catch |err| {
                                    ^

"""


@pytest.mark.parametrize("said", ["error(gpa)", "[gpa] (err)", "error(DebugAllocator)"])
def test_zig_in_the_words_of_its_versions(said: str) -> None:
    leaks = zig.parse(ZIG_OLD.replace("error(gpa)", said), "/p").leaks()
    assert [leak.trace for leak in leaks] == [
        (Frame("src/leak.zig", 5, "twice"), Frame("src/leak.zig", 11, "main"))
    ]


def test_the_same_address_is_told_twice_and_counted_once() -> None:
    assert sum(leak.count for leak in zig.parse(ZIG_OLD * 2, "/p").leaks()) == 1


def test_clang_writes_columns_into_its_frames() -> None:
    text = """\
==1==ERROR: LeakSanitizer: detected memory leaks

Direct leak of 12 byte(s) in 1 object(s) allocated from:
    #0 0x55 in malloc (/p/a.out+0x9b)
    #1 0x56 in make(int) /p/src/leak.cpp:4:19
    #2 0x57 in main /p/src/leak.cpp:9:3

SUMMARY: LeakSanitizer: 12 byte(s) leaked in 1 allocation(s).
"""
    leaks = sanitizer.parse(text, "/p").leaks()
    assert [(leak.what, leak.bytes, leak.trace) for leak in leaks] == [
        ("direct leak", 12, (Frame("src/leak.cpp", 4, "make(int)"), Frame("src/leak.cpp", 9, "main")))
    ]


def test_valgrind_counts_what_is_lost_directly_once() -> None:
    text = b"""<valgrindoutput><args><argv><exe>./leak</exe></argv></args><error><kind>Leak_DefinitelyLost</kind>
    <xwhat><text>1,288 (1,144 direct, 144 indirect) bytes in 3 blocks are definitely lost</text>
    <leakedbytes>1288</leakedbytes><leakedblocks>3</leakedblocks></xwhat><stack><frame><fn>make</fn>
    <dir>/p</dir><file>leak.c</file><line>4</line></frame></stack></error></valgrindoutput>"""
    tally = Tally()
    assert valgrind.parse(text, "/p", tally)
    assert [(leak.bytes, leak.count, leak.trace) for leak in tally.leaks()] == [
        (1144, 3, (Frame("leak.c", 4, "make"),))
    ]


def test_every_detector_says_what_it_is() -> None:
    assert {"zig", "sanitizer", "valgrind", "python", "node", "process"} <= set(walk())
    assert all(detector.ABOUT and name == detector.NAME for name, detector in walk().items())
