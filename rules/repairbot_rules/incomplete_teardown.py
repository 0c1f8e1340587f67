"""The teardown exists and forgets a member that this object made.

**What is wrong.** The class makes a file, a socket, an executor in its constructor; its `close` (or `stop`,
`shutdown`, `__exit__`) releases other things and not this one.

**Evidence.** The member is made here from a known resource and not taken as a parameter; a teardown exists;
no method of the class releases the member (or only one that the teardown does not call, and that nobody else
in the file names), and it is handed to nobody who might.

**Repair.** One line more in the teardown, with a check where the member may be empty.

**Quiet** when the class has no teardown, when the member may come from outside, when it is returned, passed
on or registered elsewhere.

**Rust.** `Drop` ends most members by itself. What it does not: a child process, memory behind a raw pointer
that methods make with `into_raw` and take back with `from_raw`, handles of C libraries. Seen where the type
has no `Drop` and nothing in the file ends the member.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repairbot.analyses.facts import Facts, Owned
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, KEEP_HANDLE
from repairbot.lifetimes.ops import Intent, Kind, Resource
from repairbot.model import Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._held import done, release_line, waits
from repairbot_rules._registered import idioms

_ASYNCHRONOUS = frozenset({"aclose", "__aexit__", "async_close", "adisconnect", "ashutdown"})


def _may_be_empty(owned: Owned) -> bool:
    """The member is made outside the constructor, or set to nothing somewhere."""
    inits = owned.member.of(Kind.INIT)
    made_early = any(
        event.resource is not None
        and event.method in ("__init__", "constructor", "" if owned.container.this == "this" else "-")
        and not event.conditional
        for event in inits
    )
    emptied = owned.member.of(Kind.CLEAR) or any(event.detail == "none" for event in inits)
    return not made_early or bool(emptied)


def _place(owned: Owned) -> str:
    """The member as the teardown names it."""
    return owned.made.target or f"self.{owned.member.name}"


def _kept(owned: Owned) -> tuple[Intent, ...]:
    """Give it to what this class has for keeping such things until it ends."""
    made, keeper = owned.made, owned.container.keeper
    if not keeper or not owned.resource.release[0].endswith("dispose"):
        return ()
    title = f"keep {_place(owned)} with {keeper.partition('(')[0]}()"
    args = {"container": owned.container.name, "what": owned.resource.what, "keeper": keeper}
    spans = (made.statement,) if made.statement is not None else ()
    return (Intent(KEEP_HANDLE, made.at, _place(owned), title, args, spans),)


def _intents(owned: Owned, coroutine: bool) -> tuple[Intent, ...]:
    if owned.container.this == "this":
        return (*_kept(owned), *_line(owned, coroutine=True))
    return _line(owned, coroutine)


def _line(owned: Owned, coroutine: bool) -> tuple[Intent, ...]:
    """One line more in the teardown."""
    place = _place(owned)
    resource = _as_released_here(owned)
    if (resource.asynchronous and not coroutine) or waits(resource):
        return ()
    line = release_line(resource, place)
    if owned.container.this == "this":
        if _may_be_empty(owned):
            line = line.replace(f"{place}.", f"{place}?.", 1)
    elif not owned.made.target and _may_be_empty(owned):
        now = place if _always_there(owned) else f'getattr(self, "{owned.member.name}", None)'
        line = f"if {now} is not None:\n    {line}"
    title = f"release {place} in {owned.teardown}()"
    args = {"container": owned.container.name, "method": owned.teardown, "line": line, "after": ""}
    intent = Intent(ADD_TO_TEARDOWN, owned.made.statement or owned.made.at, place, title, args)
    if owned.releases and not _harmless_twice(owned, resource):
        other = owned.releases[0].method
        choice = f"{owned.teardown}() then releases what {other}() released, if both are called"
        intent = replace(intent, safety="unsafe", choice=choice)
    if _waited_on(owned):
        choice = f"nothing may still wait on {place} when {owned.teardown}() runs"
        intent = replace(intent, safety="unsafe", choice=choice)
    return (intent,)


def _harmless_twice(owned: Owned, resource: Resource) -> bool:
    """Whether it may be released in the teardown and in the other method: by its nature, or because that empties it."""
    emptied = {event.method for event in owned.member.of(Kind.CLEAR)}
    emptied |= {event.method for event in owned.member.of(Kind.INIT) if event.detail == "none"}
    natural = resource.release[0] == ".close" and resource.scope == "releases"
    return natural or all(event.method in emptied for event in owned.releases)


def _as_released_here(owned: Owned) -> Resource:
    """The resource with the release first that this class itself uses."""
    used = next((event.how for event in owned.releases if event.how in owned.resource.release), "")
    if not used:
        return owned.resource
    rest = (way for way in owned.resource.release if way != used)
    return replace(owned.resource, release=(used, *rest))


def _always_there(owned: Owned) -> bool:
    """The attribute exists from the start, whatever it holds."""
    return any(
        event.method in ("", "__init__", "__post_init__") and not event.conditional
        for event in owned.member.of(Kind.INIT, Kind.CLEAR)
    )


def _waited_on(owned: Owned) -> bool:
    """Another method hands the member to something that waits for it, in another thread for all that is known."""
    return any(
        event.method not in ("__init__", owned.teardown) and event.how.rpartition(".")[2] in _WAITS
        for event in owned.member.of(Kind.READ)
    )


_WAITS = frozenset({"register", "select", "poll", "add_reader", "add_writer"})


def _refusal(owned: Owned) -> str:
    if waits(owned.resource):
        return (
            f"how self.{owned.member.name} is to be ended before it is waited for is not decided in this file"
        )
    return "its release must be awaited, and the teardown is no coroutine"


class IncompleteTeardown(Rule):
    """A teardown that forgets one."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    practice = "Every member that an object opens has its line in the teardown."
    examples = (
        Repair(
            before="""\
import socket


class Probe:
    def __init__(self, address, path):
        self.sock = socket.create_connection(address)
        self.log = open(path, "a")

    def close(self):
        self.sock.close()
""",
            after="""\
import socket


class Probe:
    def __init__(self, address, path):
        self.sock = socket.create_connection(address)
        self.log = open(path, "a")

    def close(self):
        self.sock.close()
        self.log.close()
""",
            line=7,
        ),
        Repair(
            before="""\
import socket


class Probe:
    def __init__(self, path):
        self.log = open(path, "a")

    def open(self, address):
        self.sock = socket.create_server(address)

    def close(self):
        self.log.close()
""",
            after="""\
import socket


class Probe:
    def __init__(self, path):
        self.log = open(path, "a")

    def open(self, address):
        self.sock = socket.create_server(address)

    def close(self):
        self.log.close()
        if getattr(self, "sock", None) is not None:
            self.sock.close()
""",
            line=9,
        ),
        Repair(
            before="""\
import os
import selectors


class Waker:
    def __init__(self, path):
        self.log = open(path, "a")
        self.reader, self.writer = os.pipe()

    def run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.reader, selectors.EVENT_READ)
            selector.select()
        os.close(self.writer)

    def stop(self):
        self.log.close()
""",
            after="""\
import os
import selectors


class Waker:
    def __init__(self, path):
        self.log = open(path, "a")
        self.reader, self.writer = os.pipe()

    def run(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.reader, selectors.EVENT_READ)
            selector.select()
        os.close(self.writer)

    def stop(self):
        self.log.close()
        os.close(self.reader)
""",
            unsafe=True,
            line=8,
        ),
        Repair(
            before="""\
import socket


class Probe:
    def __init__(self, path):
        self.log = open(path, "a")
        self.sock = socket.create_server(("", 0))

    def mute(self):
        self.sock.close()

    def close(self):
        self.log.close()
""",
            after="""\
import socket


class Probe:
    def __init__(self, path):
        self.log = open(path, "a")
        self.sock = socket.create_server(("", 0))

    def mute(self):
        self.sock.close()

    def close(self):
        self.log.close()
        self.sock.close()
""",
            line=7,
        ),
        Repair(
            before="""\
from tornado.httpserver import HTTPServer


class Site:
    def __init__(self, app, path):
        self.log = open(path, "a")
        self.http = HTTPServer(app)

    def unlisten(self):
        self.http.stop()

    def stop(self):
        self.log.close()
""",
            after="""\
from tornado.httpserver import HTTPServer


class Site:
    def __init__(self, app, path):
        self.log = open(path, "a")
        self.http = HTTPServer(app)

    def unlisten(self):
        self.http.stop()

    def stop(self):
        self.log.close()
        self.http.stop()
""",
            unsafe=True,
            line=7,
        ),
        Quiet(
            code="""\
import socket
import threading


class Probe:
    def __init__(self, path):
        self.log = open(path, "a")
        self.sock = socket.create_server(("", 0))
        threading.Thread(target=self._listen).start()

    def _listen(self):
        try:
            self.sock.accept()
        finally:
            self._drop()

    def _drop(self):
        self.sock.close()

    def close(self):
        self.log.close()
""",
            why="the thread releases it at its end",
        ),
        Quiet(
            code="""\
import socket


class Probe:
    def __init__(self, path):
        self.log = open(path, "a")
        self.sock = socket.create_server(("", 0))

    def _drop(self):
        self.sock.close()

    def _all(self):
        self._drop()

    def close(self):
        self._all()
        self.log.close()
""",
            why="the teardown calls what releases it",
        ),
        Quiet(
            code="""\
class Probe:
    def __init__(self, path):
        self.log = open(path, "a")

    def read(self, path):
        self.file = open(path)
        text = self.file.read()
        self.file.close()
        return text

    def close(self):
        self.log.close()
""",
            why="it is released where it is made",
        ),
        Quiet(
            code="""\
class Probe:
    def __init__(self, sock, path):
        self.sock = sock
        self.log = open(path, "a")

    def close(self):
        self.log.close()
""",
            why="the socket was made by somebody else",
        ),
        Quiet(
            code="""\
class Probe:
    def __init__(self, registry, path):
        self.log = open(path, "a")
        registry.add(self.log)
        self.other = open(path)

    def close(self):
        self.other.close()
""",
            why="the registry may own it",
        ),
        Repair(
            before="""\
const std = @import("std");

const Index = struct {
    allocator: std.mem.Allocator,
    name: []u8,
    words: std.ArrayList([]const u8),

    fn init(allocator: std.mem.Allocator, name: []const u8) !Index {
        return .{
            .allocator = allocator,
            .name = try allocator.dupe(u8, name),
            .words = .empty,
        };
    }

    fn add(self: *Index, word: []const u8) !void {
        try self.words.append(self.allocator, word);
    }

    fn deinit(self: *Index) void {
        self.words.deinit(self.allocator);
    }
};

fn run(allocator: std.mem.Allocator) !void {
    var index = try Index.init(allocator, "animals");
    defer index.deinit();
    try index.add("ant");
}

test "an index comes and goes" {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            after="""\
const std = @import("std");

const Index = struct {
    allocator: std.mem.Allocator,
    name: []u8,
    words: std.ArrayList([]const u8),

    fn init(allocator: std.mem.Allocator, name: []const u8) !Index {
        return .{
            .allocator = allocator,
            .name = try allocator.dupe(u8, name),
            .words = .empty,
        };
    }

    fn add(self: *Index, word: []const u8) !void {
        try self.words.append(self.allocator, word);
    }

    fn deinit(self: *Index) void {
        self.words.deinit(self.allocator);
        self.allocator.free(self.name);
    }
};

fn run(allocator: std.mem.Allocator) !void {
    var index = try Index.init(allocator, "animals");
    defer index.deinit();
    try index.add("ant");
}

test "an index comes and goes" {
    try std.testing.checkAllAllocationFailures(std.testing.allocator, run, .{});
}
""",
            language="zig",
            line=22,
        ),
        Quiet(
            code="""\
const std = @import("std");

const View = struct {
    allocator: std.mem.Allocator,
    words: std.ArrayList(u8),
    text: []const u8,

    fn init(allocator: std.mem.Allocator, text: []const u8) View {
        return .{ .allocator = allocator, .words = .empty, .text = text };
    }

    fn deinit(self: *View) void {
        self.words.deinit(self.allocator);
    }
};
""",
            why="the text was made by somebody else",
            language="zig",
        ),
        Repair(
            before="""\
use std::process::{Child, Command};

pub struct Tab {
    process: Child,
    title: String,
}

impl Tab {
    pub fn new(title: String) -> std::io::Result<Self> {
        let process = Command::new("sleep").arg("60").spawn()?;
        Ok(Self { process, title })
    }

    pub fn title(&self) -> &str {
        &self.title
    }
}

#[test]
fn its_process_ends_with_it() {
    let tab = Tab::new("shell".into()).unwrap();
    let process = Child::id(&tab.process).to_string();
    drop(tab);
    let asked = Command::new("kill").args(["-0", &process]).status();
    assert!(!asked.unwrap().success());
}
""",
            after="""\
use std::process::{Child, Command};

pub struct Tab {
    process: Child,
    title: String,
}

impl Tab {
    pub fn new(title: String) -> std::io::Result<Self> {
        let process = Command::new("sleep").arg("60").spawn()?;
        Ok(Self { process, title })
    }

    pub fn title(&self) -> &str {
        &self.title
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn its_process_ends_with_it() {
    let tab = Tab::new("shell".into()).unwrap();
    let process = Child::id(&tab.process).to_string();
    drop(tab);
    let asked = Command::new("kill").args(["-0", &process]).status();
    assert!(!asked.unwrap().success());
}
""",
            language="rust",
            unsafe=True,
        ),
        Repair(
            before="""export class Panel {
  private readonly resized = new ResizeObserver(() => this.draw());
  private readonly seen = new IntersectionObserver(() => this.draw());

  constructor(element: Element) {
    this.resized.observe(element);
    this.seen.observe(element);
  }

  dispose(): void {
    this.resized.disconnect();
  }

  private draw(): void {}
}
""",
            after="""export class Panel {
  private readonly resized = new ResizeObserver(() => this.draw());
  private readonly seen = new IntersectionObserver(() => this.draw());

  constructor(element: Element) {
    this.resized.observe(element);
    this.seen.observe(element);
  }

  dispose(): void {
    this.resized.disconnect();
    this.seen.disconnect();
  }

  private draw(): void {}
}
""",
            language="typescript",
        ),
        Repair(
            before="""export class Painter extends Disposable {
  private readonly _vertices: WebGLVertexArrayObject;
  private readonly _program: WebGLProgram;

  constructor(gl: WebGL2RenderingContext) {
    super();
    this._program = gl.createProgram()!;
    this._register(toDisposable(() => gl.deleteProgram(this._program)));

    this._vertices = gl.createVertexArray()!;
    gl.bindVertexArray(this._vertices);
  }
}
""",
            after="""export class Painter extends Disposable {
  private readonly _vertices: WebGLVertexArrayObject;
  private readonly _program: WebGLProgram;

  constructor(gl: WebGL2RenderingContext) {
    super();
    this._program = gl.createProgram()!;
    this._register(toDisposable(() => gl.deleteProgram(this._program)));

    this._vertices = gl.createVertexArray()!;
    this._register(toDisposable(() => gl.deleteVertexArray(this._vertices)));
    gl.bindVertexArray(this._vertices);
  }
}
""",
            language="typescript",
        ),
        Repair(
            before="""export class Marks extends Disposable {
  private readonly onAdd = this._register(new Emitter<Mark>());
  private readonly onRemove = new Emitter<Mark>();
}
""",
            after="""export class Marks extends Disposable {
  private readonly onAdd = this._register(new Emitter<Mark>());
  private readonly onRemove = this._register(new Emitter<Mark>());
}
""",
            language="typescript",
        ),
        Quiet(
            """export class Panel {
  private readonly resized = new ResizeObserver(() => {});

  constructor(private readonly seen: IntersectionObserver) {}

  dispose(): void {
    this.resized.disconnect();
  }
}
""",
            "what came in as a parameter belongs to somebody else",
            language="typescript",
        ),
        Quiet(
            """export class Marks extends Disposable {
  private readonly onAdd = this._register(new Emitter<Mark>());
  private readonly listener = this._register(new MutableDisposable());

  listen(mark: Mark): void {
    this.listener.value = mark.onChange(() => this.onAdd.fire(mark));
  }
}
""",
            "what is registered ends with its owner",
            language="typescript",
        ),
        Quiet(
            code="""\
use std::io;
use std::process::Child;

pub struct Server {
    process: Child,
}

impl Server {
    pub fn stop(mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }
}
""",
            why="its owner ends the process",
            language="rust",
        ),
        Quiet(
            code="""\
export class Editor extends Disposable {
  private readonly decorations = this._register(new MutableDisposable());
  private readonly changes = this._register(new Emitter());

  constructor(private readonly model: Model) {
    super();
    this.decorations.value = model.decorate();
  }
}
""",
            why="what is registered ends with the object, and the model was made by somebody else",
            language="typescript",
        ),
        Quiet(
            code="""\
export class Session {
  private socket: WebSocket | null = null;

  open(url: string): void {
    this.socket = new WebSocket(url);
  }

  dispose(): void {
    this.reset();
  }

  private reset(): void {
    this.socket?.close();
    this.socket = null;
  }
}
""",
            why="the teardown calls what closes it",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report for each member that its teardown forgets."""
        coroutines = {function.symbol for function in facts.unit.functions if function.asynchronous}
        for owned in facts.pairing.members:
            if not owned.forgotten:
                continue
            name, place = owned.container.name, _place(owned)
            teardown = f"{name}.{owned.teardown}"
            intents = _intents(owned, owned.teardown in _ASYNCHRONOUS or teardown in coroutines)
            line = owned.container.methods.get(owned.teardown, owned.container.at).line
            yield Report(
                # What the teardown lacks is said at its end, where the front end tells it.
                owned.made.statement if owned.made.target and owned.made.statement else owned.made.at,
                f"{name}.{owned.made.method}" if owned.made.method else name,
                place,
                f"{place} is not {done(owned.resource)} in {owned.teardown}()",
                (
                    Step(owned.made.at.line, f"the {owned.resource.what} is made and kept"),
                    Step(line, f"{owned.teardown}() does not release it"),
                ),
                evidence=owned.evidence,
                confidence=owned.confidence,
                severity=owned.resource.severity,
                intents=intents,
                refusals=() if intents else (_refusal(owned),),
            )
        yield from idioms(facts, self.id)
