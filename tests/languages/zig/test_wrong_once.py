"""Repairs that were wrong once, found by reading what an audit of public repositories offered.

Each piece of code is right: nothing is said of it with a confidence that is shown.
"""

from __future__ import annotations

import pytest

from repairbot.examine import examine
from repairbot.languages.zig import LANGUAGE
from repairbot.model import Settings

RIGHT = {
    "a tuple is taken apart, and each part released by its new name": """\
const std = @import("std");
fn f(gpa: std.mem.Allocator, reader: *Reader) !void {
    const out, const err = run: {
        const first = try gpa.dupe(u8, "a");
        errdefer gpa.free(first);
        const second = try gpa.dupe(u8, "b");
        errdefer gpa.free(second);
        break :run .{ first, second };
    };
    defer gpa.free(out);
    defer gpa.free(err);
    try g(out.len, err.len);
}
""",
    "a helper puts it into a list behind a pointer": """\
const std = @import("std");
const B = struct {
    allocator: std.mem.Allocator,
    files: std.StringArrayHashMapUnmanaged(File) = .empty,
    const File = struct { messages: std.ArrayList(Item) };
    const Item = struct { message: []const u8, at: usize };
    fn at(b: *B, name: []const u8) !void {
        const message = try std.fmt.allocPrint(b.allocator, "{s}", .{name});
        errdefer b.allocator.free(message);
        try b.keep(message, name);
    }
    fn keep(b: *B, message: []const u8, name: []const u8) !void {
        const file: *File = blk: {
            const file = b.files.getPtr(name);
            break :blk file.?;
        };
        const index = 3;
        try file.messages.insert(b.allocator, index, .{ .at = 1, .message = message });
    }
};
""",
    "its last call sends it off": """\
const std = @import("std");
const Frame = struct {
    pub fn send(self: *Frame, req: Request) !void {
        const transfer = try self.client.newRequest(req, self.owner);
        {
            errdefer transfer.deinit();
            try self.headers(transfer);
        }
        return transfer.submit();
    }
    fn headers(self: *Frame, transfer: *Transfer) !void {
        _ = self;
        try transfer.add("a");
    }
};
""",
    "a view of it is returned": """\
const std = @import("std");
fn tokens(gpa: std.mem.Allocator, n: usize) !Bundle {
    var list = std.MultiArrayList(Token){};
    errdefer list.deinit(gpa);
    try list.ensureTotalCapacity(gpa, n);
    try list.append(gpa, .{});
    return .{ .list = list.slice(), .n = n };
}
""",
    "an iterator of it is kept": """\
const std = @import("std");
const Walker = struct {
    stack: std.ArrayList(Item),
    fn push(self: *Walker, gpa: std.mem.Allocator, io: std.Io, top: std.Io.Dir) !void {
        var dir = try top.openDir(io, "a", .{});
        {
            errdefer dir.close(io);
            try self.stack.append(gpa, .{ .iter = dir.iterate(), .n = 1 });
        }
    }
};
""",
    "its number is sent to another thread": """\
const std = @import("std");
fn diff(pid: Pid, buffer: *Buffer) !void {
    const gpa = std.heap.c_allocator;
    const text = try gpa.dupe(u8, buffer.text());
    errdefer gpa.free(text);
    const at: usize = if (text.len > 0) @intFromPtr(text.ptr) else 0;
    try pid.send(.{ "D", at, text.len });
}
""",
    "it is kept by its reference count": """\
const std = @import("std");
const Buffer = struct {
    manager: Manager,
    data: []u8,
    fn init(gpa: std.mem.Allocator) !*Buffer {
        const b = try gpa.create(Buffer);
        errdefer gpa.destroy(b);
        b.* = .{ .manager = .{}, .data = try gpa.alloc(u8, 2) };
        return b;
    }
    fn deinit(b: *Buffer) void {
        alloc.free(b.data);
        alloc.destroy(b);
    }
};
fn acquire(gpa: std.mem.Allocator, list: *std.ArrayList(*Buffer)) !void {
    const buffer = try Buffer.init(gpa);
    errdefer _ = buffer.manager.release();
    try list.append(gpa, buffer);
}
const Encoder = struct {
    gpa: std.mem.Allocator,
    raw: *Raw,
    tracker: *Tracker,
    fn init(gpa: std.mem.Allocator, queue: *Queue) !*Encoder {
        const raw = queue.encoder() orelse return error.Failed;
        errdefer raw.release();
        const tracker = try Tracker.init(gpa);
        errdefer tracker.deinit();
        const encoder = try gpa.create(Encoder);
        encoder.* = .{ .gpa = gpa, .raw = raw.retain(), .tracker = tracker };
        return encoder;
    }
    fn deinit(e: *Encoder) void {
        // tracker is managed by the device
        e.raw.release();
        e.gpa.destroy(e);
    }
};
const Tracker = struct {
    gpa: std.mem.Allocator,
    fn init(gpa: std.mem.Allocator) !*Tracker {
        const t = try gpa.create(Tracker);
        t.* = .{ .gpa = gpa };
        return t;
    }
    fn deinit(t: *Tracker) void {
        t.gpa.destroy(t);
    }
};
""",
    "a promoted arena is that of whoever keeps its state": """\
const std = @import("std");
const D = struct {
    gpa: std.mem.Allocator,
    arena: std.heap.ArenaAllocator.State = .{},
    fn insert(d: *D) !void {
        var arena = d.arena.promote(d.gpa);
        const child = try arena.allocator().create(u8);
        d.arena = arena.state;
        child.* = 1;
    }
};
""",
    "a future of a collection gives what the collection holds": """\
const std = @import("std");
const Store = struct {
    gpa: std.mem.Allocator,
    io: std.Io,
    handles: Map,
    fn refresh(self: *Store, uri: []const u8) !bool {
        const index = self.handles.getIndex(uri) orelse return false;
        const future = self.handles.values()[index];
        const handle = future.await(self.io) catch return false;
        if (handle.synced) return false;
        self.handles.swapRemoveAt(index);
        handle.deinit(self.gpa);
        return true;
    }
};
""",
    "a call tells by an argument that it made nothing": """\
const std = @import("std");
fn resolve(gpa: std.mem.Allocator, base: []const u8) ![]const u8 {
    var err: i32 = 0;
    const href = U.url_resolve(base.ptr, base.len, &err);
    if (err != 0) {
        return error.TypeError;
    }
    defer href.deinit();
    return gpa.dupe(u8, href.slice());
}
""",
    "a member is lent for as long as its function runs": """\
const std = @import("std");
const Object = struct {
    gpa: std.mem.Allocator,
    data: []u8,
    fn create(gpa: std.mem.Allocator) !*Object {
        const obj = try gpa.create(Object);
        errdefer gpa.destroy(obj);
        obj.* = .{ .gpa = gpa, .data = try gpa.alloc(u8, 3) };
        return obj;
    }
    fn deinit(o: *Object) void {
        o.gpa.free(o.data);
        o.gpa.destroy(o);
    }
};
const Renderer = struct {
    gpa: std.mem.Allocator,
    obj: *Object,
    errors: std.ArrayListUnmanaged(u8) = .empty,
    fn deinit(r: *Renderer) void {
        r.errors.deinit(r.gpa);
    }
    fn go(r: *Renderer) !void {
        try r.errors.append(r.gpa, 1);
    }
};
fn render(gpa: std.mem.Allocator) !*Object {
    const obj = try Object.create(gpa);
    errdefer obj.deinit();
    var renderer: Renderer = .{ .gpa = gpa, .obj = obj };
    defer renderer.deinit();
    try renderer.go();
    return obj;
}
const Visitor = struct {
    gpa: std.mem.Allocator,
    object: *Object,
    seen: std.ArrayListUnmanaged(u8) = .empty,
    fn deinit(v: *Visitor) void {
        v.seen.deinit(v.gpa);
    }
};
fn visit(gpa: std.mem.Allocator) !void {
    const object = try Object.create(gpa);
    defer object.deinit();
    var visitor: Visitor = .{ .gpa = gpa, .object = object };
    defer visitor.deinit();
    try visitor.seen.append(gpa, 2);
}
""",
    "the state of an arena went elsewhere, a thread was let go": """\
const std = @import("std");
const Builder = struct {
    gpa: std.mem.Allocator,
    arena: std.heap.ArenaAllocator,
    thread: ?std.Thread = null,
    fn finish(b: *Builder, out: *std.ArrayList(Out)) !void {
        try out.append(b.gpa, .{ .arena = b.arena.state, .n = 1 });
        b.arena = std.heap.ArenaAllocator.init(b.gpa);
    }
    fn install(b: *Builder) !void {
        b.thread = try std.Thread.spawn(.{}, run, .{b});
        b.thread.?.detach();
    }
    fn deinit(b: *Builder) void {
        b.arena.deinit();
    }
};
""",
    "another method joins the thread, another resets what is set": """\
const std = @import("std");
const Loop = struct {
    quit: bool = false,
    pid: Pid,
    thread: ?std.Thread = null,
    status: Status,
    gpa: std.mem.Allocator,
    fn deinit(self: *Loop) void {
        self.pid.deinit();
    }
    fn start(self: *Loop) !void {
        if (self.thread) |_| return;
        self.thread = try std.Thread.spawn(.{}, run, .{self});
    }
    fn stop(self: *Loop) void {
        self.quit = true;
        if (self.thread) |thread| {
            thread.join();
            self.thread = null;
        }
    }
    fn update(self: *Loop, branch: []const u8) !void {
        self.status.reset(self.gpa);
        self.status.branch = try self.gpa.dupe(u8, branch);
    }
};
""",
    "what is made from a member of it is deleted by another name": """\
const std = @import("std");
const Pipeline = struct {
    device: *Device,
    layout: *Layout,
    program: u32,
    fn init(gpa: std.mem.Allocator, device: *Device) !*Pipeline {
        const layout = try Layout.init(gpa, device);
        errdefer layout.deinit(gpa);
        const gl = &layout.device.gl;
        const shader = try compile(gl);
        defer gl.deleteShader(shader);
        const pipeline = try gpa.create(Pipeline);
        pipeline.* = .{ .device = device, .layout = layout, .program = gl.link(shader) };
        return pipeline;
    }
};
const Layout = struct {
    device: *Device,
    fn init(gpa: std.mem.Allocator, device: *Device) !*Layout {
        const layout = try gpa.create(Layout);
        layout.* = .{ .device = device };
        return layout;
    }
    fn deinit(layout: *Layout, gpa: std.mem.Allocator) void {
        gpa.destroy(layout);
    }
};
""",
    "a member is not defined before it is set": """\
const std = @import("std");
const Routes = struct {
    gpa: std.mem.Allocator,
    ast: std.zig.Ast = undefined,
    fn deinit(self: *Routes) void {
        self.ast.deinit(self.gpa);
    }
    fn view(self: *Routes, source: [:0]const u8) !void {
        self.ast = try std.zig.Ast.parse(self.gpa, source, .zig);
        try self.walk();
    }
};
""",
}


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_nothing_is_said_of_what_is_right(source: str) -> None:
    findings = examine(source.encode(), "example.zig", LANGUAGE, Settings()).result.findings
    assert [(each.line, each.rule, each.variable) for each in findings if each.confidence != "low"] == []


def test_what_is_hardly_sure_is_no_safe_repair() -> None:
    source = RIGHT["its last call sends it off"]
    findings = examine(source.encode(), "example.zig", LANGUAGE, Settings()).result.findings
    assert {each.fix.safety for each in findings if each.fix is not None} == {"unsafe"}


SHOWN = """\
const std = @import("std");
fn never(gpa: std.mem.Allocator, sink: *std.ArrayList([]const u8)) !void {
    var list: std.ArrayList(u8) = .empty;
    try list.append(gpa, 1);
    try sink.append(gpa, list.slice());
}
fn early(gpa: std.mem.Allocator, sink: *std.ArrayList([]const u8), ok: bool) !void {
    var list: std.ArrayList(u8) = .empty;
    try list.append(gpa, 1);
    try sink.append(gpa, list.slice());
    if (ok) return;
    list.deinit(gpa);
}
"""


def test_to_release_what_somebody_saw_is_a_choice() -> None:
    findings = examine(SHOWN.encode(), "example.zig", LANGUAGE, Settings()).result.findings
    told = [(each.rule, each.confidence, each.fix.safety if each.fix else "") for each in findings]
    assert told == [("never-released", "low", "unsafe"), ("early-exit-leak", "low", "unsafe")]


ARENA = """\
const std = @import("std");
const Buf = struct {
    arena: std.heap.ArenaAllocator,
    allocator: std.mem.Allocator,
    root: *Node,
    fn create(gpa: std.mem.Allocator) !*Buf {
        const self = try gpa.create(Buf);
        errdefer gpa.destroy(self);
        self.* = .{
            .arena = std.heap.ArenaAllocator.init(gpa),
            .allocator = self.arena.allocator(),
            .root = try Node.new(self.allocator),
        };
        return self;
    }
};
"""


def test_an_arena_that_is_kept_gets_no_name() -> None:
    """A copy of it would not hold what is made from the one that is kept."""
    findings = examine(ARENA.encode(), "example.zig", LANGUAGE, Settings()).result.findings
    assert [each.fix for each in findings if "arena" in each.message] == [None]
