"""Several repairs of one Zig file, put in together: what each chose alone must hold with the others."""

from __future__ import annotations

import subprocess
from pathlib import Path

from repairbot.languages.zig.inspection import compiler
from tests.commandline import repairbot

SOURCE = """\
const std = @import("std");

fn show(gpa: std.mem.Allocator, writer: *std.Io.Writer, number: u32) !void {
    try writer.writeAll(try std.fmt.allocPrint(gpa, "{d}", .{number}));
    try writer.writeAll(try std.fmt.allocPrint(gpa, "{x}", .{number}));
    try writer.writeAll(try std.fmt.allocPrint(gpa, "{b}", .{number}));
}
"""


def test_repairs_that_chose_the_same_name_get_names_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "show.zig"
    file.write_text(SOURCE, encoding="utf-8")
    repairbot(tmp_path, "fix", "--no-cache")
    after = file.read_text(encoding="utf-8")
    assert after.count("defer gpa.free(") == 3
    done = subprocess.run([compiler(), "ast-check"], input=after.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
