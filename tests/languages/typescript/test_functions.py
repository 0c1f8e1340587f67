"""Functions of TypeScript and JavaScript: where control goes, and what is held where they end."""

from __future__ import annotations

import pytest

from repairbot.languages.base import Project, Unreadable
from repairbot.lifetimes.ops import Summary
from tests.languages.typescript.reading import graph, leaks, unit

OPEN = 'import { openSync, closeSync, readSync } from "node:fs";\n'


def test_a_return_before_the_release_leaves_it_held() -> None:
    source = """
        export function size(path: string): number {
          const fd = openSync(path, "r");
          if (readSync(fd, buffer) === 0) return 0;
          closeSync(fd);
          return 1;
        }
        """
    assert leaks(OPEN + source) == ["size fd early-exit"]


def test_finally_runs_on_every_way_out() -> None:
    source = """
        export function size(path: string): number {
          let fd: number | undefined;
          try {
            fd = openSync(path, "r");
            if (readSync(fd, buffer) === 0) return 0;
            return 1;
          } catch (error) {
            throw new Error("unreadable");
          } finally {
            if (fd !== undefined) closeSync(fd);
          }
        }
        """
    assert leaks(OPEN + source) == []


@pytest.mark.parametrize("statement", ["break", "continue", "return", "throw new Error()"])
def test_jumps_out_of_a_loop_pass_its_cleanups(statement: str) -> None:
    source = f"""
        export function all(paths: string[]) {{
          for (const path of paths) {{
            const fd = openSync(path, "r");
            try {{
              switch (readSync(fd, buffer)) {{
                case 0:
                  {statement};
                default:
                  break;
              }}
            }} finally {{
              closeSync(fd);
            }}
          }}
        }}
        """
    assert leaks(OPEN + source) == []


def test_continue_in_a_switch_goes_to_the_loop_around_it() -> None:
    source = """
        export function all(paths: string[]) {
          for (const path of paths) {
            const fd = openSync(path, "r");
            switch (readSync(fd, buffer)) {
              case 0:
                continue;
            }
            closeSync(fd);
          }
        }
        """
    assert leaks(OPEN + source) == ["all fd early-exit"]


def test_await_is_an_error_edge_and_a_plain_call_is_an_unlikely_one() -> None:
    source = """
        import { open } from "fs/promises";
        export async function size(path: string) {
          const file = await open(path);
          check(path);
          const { size } = await file.stat();
          await file.close();
          return size;
        }
        """
    text = graph(source)
    assert "check() can fail" in text
    assert leaks(source) == ["size file error"]


def test_using_ends_with_its_scope() -> None:
    source = """
        import { open } from "fs/promises";
        export async function size(path: string) {
          await using file = await open(path);
          return (await file.stat()).size;
        }
        """
    assert leaks(source) == []


def test_two_locals_of_one_name_are_two_places() -> None:
    source = """
        export function both(paths: string[]) {
          for (const path of paths) { const fd = openSync(path, "r"); closeSync(fd); }
          for (const path of paths) { const fd = openSync(path, "r"); }
        }
        """
    assert leaks(OPEN + source) == ["both fd never"]


def test_what_is_handed_on_is_not_ours_to_end() -> None:
    source = """
        export class Files {
          private fd = 0;
          private readonly all: number[] = [];
          open(path: string) { this.fd = openSync(path, "r"); }
          add(path: string) { const fd = openSync(path, "r"); this.all.push(fd); }
          give(path: string) { return openSync(path, "r"); }
          wrap(path: string) { const fd = openSync(path, "r"); return { fd, path }; }
          later(path: string) { const fd = openSync(path, "r"); process.once("exit", () => closeSync(fd)); }
        }
        """
    assert leaks(OPEN + source) == []


def test_a_function_of_the_file_hands_out_what_it_opens() -> None:
    source = """
        function make(path: string) { return openSync(path, "r"); }
        function look(fd: number) { readSync(fd, buffer); }
        function end(fd: number) { closeSync(fd); }
        export function first(path: string) { const fd = make(path); look(fd); }
        export function second(path: string) { const fd = make(path); look(fd); end(fd); }
        """
    assert leaks(OPEN + source) == ["first fd never"]


def test_other_files_are_asked_for_what_they_do() -> None:
    source = """
        import { make, look } from "./files.js";
        export function first(path: string) { const fd = make(path); look(fd); }
        """
    asked = unit(OPEN + source, "src/app.ts")
    assert "src.files.look" not in asked.asks  # until `make` is known to hand something out
    known = Project(
        {
            "src.files.make": Summary("make", ("path",), {}, "file descriptor"),
            "src.files.look": Summary("look", ("fd",), {"fd": "borrows"}),
        }
    )
    assert leaks(OPEN + source, "src/app.ts", known) == ["first fd never"]


def test_exports_tell_what_a_function_hands_out() -> None:
    source = 'export function make(path: string) { return openSync(path, "r"); }'
    assert unit(OPEN + source).exports["make"].returns == "file descriptor"


def test_common_js_and_es_modules_mean_the_same() -> None:
    source = """
        const { openSync: start } = require("fs");
        exports.peek = function (path) { const fd = start(path, "r"); return path; };
        """
    assert leaks(source, "peek.cjs") == ["peek fd never"]


def test_tensors_are_only_sure_where_no_scope_can_be_around() -> None:
    source = """
        import * as tf from "@tensorflow/tfjs";
        export async function read(values: number[]) {
          const tensor = tf.tensor(values);
          return await tensor.data();
        }
        export function shape(values: number[]) {
          const tensor = tf.tensor(values);
          return tensor.shape;
        }
        """
    from repairbot.analyses import pairing

    found = pairing.analyse(unit(source)).leaks
    assert [(leak.function, leak.confidence) for leak in found] == [("read", "high"), ("shape", "low")]


@pytest.mark.parametrize(
    ("path", "source", "why"),
    [
        ("test/open.ts", "export const all = new Map();", "ends with the run"),
        ("open.spec.ts", "export const all = new Map();", "ends with the run"),
        ("types.d.ts", "export declare const open: () => void;", "declaration file"),
        ("bundle.js", "const x = new Map();" + "x.set(1,2);" * 2000, "minified or generated"),
    ],
)
def test_what_nobody_wrote_is_not_read_and_that_is_said(path: str, source: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        unit(source, path)


def test_a_function_that_does_not_parse_is_passed_over_alone() -> None:
    source = """
        export function broken(path: string) { const fd = openSync(path, "r"); if (fd { } }
        export function whole(path: string) { const fd = openSync(path, "r"); }
        """
    found = unit(OPEN + source)
    assert [function.symbol for function in found.functions] == ["whole"]
    assert [step.note for step in found.skipped] == ["broken does not parse"]


def test_tsx_and_jsx_are_read() -> None:
    source = """
        import { openSync } from "fs";
        export function View(props) {
          const fd = openSync(props.path, "r");
          return <div title={props.path}>{props.children}</div>;
        }
        """
    for path in ("view.tsx", "view.jsx"):
        assert leaks(source, path) == ["View fd never"]
