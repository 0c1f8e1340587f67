//! Runs every test by itself and prints one line each: its name, its error, whether it leaked.

const std = @import("std");
const builtin = @import("builtin");

pub const std_options: std.Options = .{ .logFn = quiet };

fn quiet(
    comptime _: std.log.Level,
    comptime _: @TypeOf(.enum_literal),
    comptime _: []const u8,
    _: anytype,
) void {}

pub fn main() !void {
    var buffer: [512]u8 = undefined;
    var out = std.fs.File.stdout().writer(&buffer);
    for (builtin.test_functions) |each| {
        std.testing.allocator_instance = .{};
        const failure: []const u8 = if (each.func()) |_| "" else |err| @errorName(err);
        const leaked = std.testing.allocator_instance.deinit() == .leak;
        try out.interface.print("{s}\t{s}\t{}\n", .{ each.name, failure, leaked });
    }
    try out.interface.flush();
}
