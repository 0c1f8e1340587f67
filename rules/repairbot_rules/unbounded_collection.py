"""A collection grows with use and is never shrunk.

**What is wrong.** A list, set or dict of an object that lives as long as the program (a server, a monitor, a
tracker, the module itself) gets an entry with every call, request or message. Nothing takes one out.

**Evidence.** The owner lives long, and one of these: its readers use only the last N; a sibling that is fed
beside it has a bound; it is keyed by something made for each request (an id, a thread, a host), by objects or
classes; it is a history and the method that feeds it is called for each event; it is filled under one key and
emptied under another; a method that is told of an end reads the key and leaves it.

**Repair.** A `deque(maxlen=N)` where every use allows it, otherwise a trim behind the growth, for each key where
the lists stand in a dict; a weak collection where its users hold the entries. The bound is the one that readers
or a sibling name; that is safe. Where nothing names one, the configured bound is used, and the fix is unsafe.
What is saved and loaded again is reported and never trimmed.

**Quiet** for builders, parsers, results and messages, which are made, read and dropped; for registries with a
finite set of keys; wherever something removes entries in the course of work, under whatever name; and where a
length is checked.

**Rust.** A `JoinSet` that is filled in a loop which never takes finished tasks out, or only failed ones; entries under
keys that are counted up, in a member that nobody else sees and nothing removes from; a history that is cut at its own
end. Quiet when the set is drained in the loop or its length is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.lifetimes.ops import Load
from repairbot.model import Impact, Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._growing import of_idiom, report


class UnboundedCollection(Rule):
    """A collection that grows with use."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    in_tests = "low"
    practice = "A collection that is fed by events says how many it keeps."
    examples = (
        Repair(
            before="""\
from collections import defaultdict


class LatencyMonitor:
    def __init__(self):
        self.samples = defaultdict(list)

    def record(self, agent, seconds):
        self.samples[agent].append(seconds)

    def recent(self, agent):
        return self.samples[agent][-50:]
""",
            after="""\
from collections import defaultdict


class LatencyMonitor:
    def __init__(self):
        self.samples = defaultdict(list)

    def record(self, agent, seconds):
        self.samples[agent].append(seconds)
        del self.samples[agent][:-50]

    def recent(self, agent):
        return self.samples[agent][-50:]
""",
            line=9,
        ),
        Repair(
            before="""\
from collections import defaultdict, deque


class ErrorTracker:
    def __init__(self, window=500):
        self.window = window
        self.recent = deque(maxlen=window)
        self.errors = defaultdict(list)

    def record_error(self, component, error):
        self.recent.append(error)
        self.errors[component].append(error)

    def of(self, component):
        return [str(error) for error in self.errors[component]]
""",
            after="""\
from collections import defaultdict, deque


class ErrorTracker:
    def __init__(self, window=500):
        self.window = window
        self.recent = deque(maxlen=window)
        self.errors = defaultdict(list)

    def record_error(self, component, error):
        self.recent.append(error)
        self.errors[component].append(error)
        del self.errors[component][:-self.window]

    def of(self, component):
        return [str(error) for error in self.errors[component]]
""",
            line=12,
        ),
        Repair(
            before="""\
import logging


class RecentLines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(self.format(record))

    def last(self):
        return self.records[-1] if self.records else ""
""",
            after="""\
import logging
from collections import deque


class RecentLines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = deque(maxlen=1000)

    def emit(self, record):
        self.records.append(self.format(record))

    def last(self):
        return self.records[-1] if self.records else ""
""",
            unsafe=True,
            line=10,
        ),
        Repair(
            before="""\
from collections import defaultdict


class HostTracker:
    def __init__(self):
        self.hosts = defaultdict(set)

    def request_sent(self, crawl, host):
        self.hosts[crawl].add(host)

    def crawl_closed(self, crawl):
        for host in self.hosts[crawl]:
            forget(host)
""",
            after="""\
from collections import defaultdict


class HostTracker:
    def __init__(self):
        self.hosts = defaultdict(set)

    def request_sent(self, crawl, host):
        self.hosts[crawl].add(host)

    def crawl_closed(self, crawl):
        for host in self.hosts[crawl]:
            forget(host)
        self.hosts.pop(crawl, None)
""",
            line=9,
        ),
        Repair(
            before="""\
import json


class Ledger:
    pass


class LedgerManager:
    def __init__(self, path):
        self.path = path
        self.ledger = self._load()

    def _load(self):
        return json.loads(self.path.read_text())

    def add_entry(self, entry):
        self.ledger["entries"].append(entry)
        self.path.write_text(json.dumps(self.ledger))
""",
            after=None,
            why="it is saved and loaded again, so trimming loses data: move old entries to an archive",
            line=17,
        ),
        Repair(
            before="""\
import asyncio


class GateServer:
    def __init__(self):
        self._waiters = []

    async def wait(self):
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def close(self):
        print("closed")


SERVER = GateServer()
""",
            after=None,
            why="whoever waits for an entry that is dropped would wait for ever",
        ),
        Quiet(
            code="""\
class AuthManager:
    def __init__(self):
        self.known = {}

    def add_auth(self, uri, auth):
        self.known[uri] = auth


manager = AuthManager()
""",
            why="who adds it means to have it: a registry, filled from the configuration",
        ),
        Quiet(
            code="""\
class UserDirectory:
    def __init__(self, path):
        self.path = path
        self.reload()

    def reload(self):
        self.session_users = {}
        for line in self.path.open():
            user_id, _, name = line.partition(":")
            self.session_users[user_id] = name

    def close(self):
        print("closed")


DIRECTORY = UserDirectory("users")
""",
            why="each reload begins with an empty one",
        ),
        Quiet(
            code="""\
class ReportBuilder:
    def __init__(self):
        self.events = []

    def add_event(self, event):
        self.events.append(event)

    def build(self):
        return tuple(self.events)
""",
            why="a builder is made, read and dropped",
        ),
        Quiet(
            code="""\
class JobServer:
    def __init__(self):
        self.jobs = {}

    def request(self, job):
        self.jobs[job.id] = job
        job.add_done_callback(lambda _: self.jobs.pop(job.id))
""",
            why="the job takes itself out",
        ),
        Quiet(
            code="""\
class TaskServer:
    def __init__(self):
        self.pending = set()

    def handle(self, task):
        self.pending.add(task)
        task.add_done_callback(self.pending.discard)
""",
            why="a bound method is handed on",
        ),
        Quiet(
            code="""\
class EventServer:
    def __init__(self):
        self.events = []

    def handle(self, event):
        self.events.append(event)

    def run(self):
        while True:
            events, self.events = self.events, []
            flush(events)
""",
            why="swapped for an empty one",
        ),
        Quiet(
            code="""\
class CodecManager:
    def __init__(self):
        self.codecs = {}

    def register(self, codec):
        self.codecs[codec.name] = codec
""",
            why="a registry with a finite set of names",
        ),
        Quiet(
            code="""\
class WaitingRoom:
    def __init__(self):
        self._waiters = {}

    def wait(self, request_id, waiter):
        self._waiters.setdefault(request_id, []).append(waiter)

    def wake(self, request_id):
        waiters = self._waiters
        waiters.pop(request_id)
""",
            why="emptied under another name",
        ),
        Repair(
            before="""\
use tokio::task::JoinSet;

pub struct Listener(pub u32);

impl Listener {
    pub async fn accept(&mut self) -> Option<u32> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0)
    }
}

pub async fn serve(mut listener: Listener) {
    let mut connections = JoinSet::new();
    loop {
        let socket = match listener.accept().await {
            Some(socket) => socket,
            None => return,
        };
        connections.spawn(talk(socket));
    }
}

async fn talk(_: u32) {}

#[test]
fn finished_connections_are_let_go() {
    tokio::now(Box::pin(serve(Listener(50))));
    assert_eq!(tokio::largest(), 1);
}
""",
            after="""\
use tokio::task::JoinSet;

pub struct Listener(pub u32);

impl Listener {
    pub async fn accept(&mut self) -> Option<u32> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0)
    }
}

pub async fn serve(mut listener: Listener) {
    let mut connections = JoinSet::new();
    loop {
        let socket = match listener.accept().await {
            Some(socket) => socket,
            None => return,
        };
        while connections.try_join_next().is_some() {}
        connections.spawn(talk(socket));
    }
}

async fn talk(_: u32) {}

#[test]
fn finished_connections_are_let_go() {
    tokio::now(Box::pin(serve(Listener(50))));
    assert_eq!(tokio::largest(), 1);
}
""",
            language="rust",
        ),
        Repair(
            before="""\
#[derive(Default)]
pub struct Jumps {
    places: Vec<u32>,
    at: usize,
}

impl Jumps {
    pub fn push(&mut self, place: u32) {
        self.places.truncate(self.at);
        self.places.push(place);
        self.at = self.places.len();
    }

    pub fn back(&mut self) -> Option<u32> {
        self.at = self.at.checked_sub(1)?;
        self.places.get(self.at).copied()
    }
}

#[test]
fn old_places_are_forgotten() {
    let mut jumps = Jumps::default();
    for place in 0..5_000 {
        jumps.push(place);
    }
    assert_eq!(jumps.places.len(), 1_000);
    assert_eq!(jumps.back(), Some(4_999));
}
""",
            after="""\
#[derive(Default)]
pub struct Jumps {
    places: Vec<u32>,
    at: usize,
}

impl Jumps {
    pub fn push(&mut self, place: u32) {
        self.places.truncate(self.at);
        self.places.push(place);
        if self.places.len() > 1000 {
            self.places.remove(0);
        }
        self.at = self.places.len();
    }

    pub fn back(&mut self) -> Option<u32> {
        self.at = self.at.checked_sub(1)?;
        self.places.get(self.at).copied()
    }
}

#[test]
fn old_places_are_forgotten() {
    let mut jumps = Jumps::default();
    for place in 0..5_000 {
        jumps.push(place);
    }
    assert_eq!(jumps.places.len(), 1_000);
    assert_eq!(jumps.back(), Some(4_999));
}
""",
            language="rust",
            unsafe=True,
        ),
        Repair(
            before="""\
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Completions {
    next_id: u64,
    states: BTreeMap<u64, String>,
}

impl Completions {
    pub fn complete(&mut self, text: String) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.states.insert(id, text);
        id
    }

    pub fn state(&self, id: u64) -> Option<&String> {
        self.states.get(&id)
    }
}

#[test]
fn old_states_go() {
    let mut completions = Completions::default();
    for _ in 0..3_000 {
        completions.complete(String::new());
    }
    assert_eq!(completions.states.len(), 1_000);
    assert!(completions.state(2_999).is_some());
}
""",
            after="""\
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Completions {
    next_id: u64,
    states: BTreeMap<u64, String>,
}

impl Completions {
    pub fn complete(&mut self, text: String) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.states.insert(id, text);
        if self.states.len() > 1000 {
            let oldest = self.states.keys().next().cloned();
            if let Some(oldest) = oldest {
                self.states.remove(&oldest);
            }
        }
        id
    }

    pub fn state(&self, id: u64) -> Option<&String> {
        self.states.get(&id)
    }
}

#[test]
fn old_states_go() {
    let mut completions = Completions::default();
    for _ in 0..3_000 {
        completions.complete(String::new());
    }
    assert_eq!(completions.states.len(), 1_000);
    assert!(completions.state(2_999).is_some());
}
""",
            language="rust",
            unsafe=True,
        ),
        Repair(
            before="""export class Monitor {
  private readonly history: number[] = [];

  record(seconds: number): void {
    this.history.push(seconds);
  }

  recent(): number[] {
    return this.history.slice(-100);
  }
}

export const monitor = new Monitor();
""",
            after="""export class Monitor {
  private readonly history: number[] = [];

  record(seconds: number): void {
    this.history.push(seconds);
    if (this.history.length > 100) {
      this.history.shift();
    }
  }

  recent(): number[] {
    return this.history.slice(-100);
  }
}

export const monitor = new Monitor();
""",
            language="typescript",
        ),
        Repair(
            before="""export class Topic {
  private subscriptions: Subscription[] = [];

  subscribe(source: Observable, next: Next): () => void {
    const subscription = source.subscribe(next);
    this.subscriptions.push(subscription);
    return () => { subscription.unsubscribe(); };
  }

  close(): void {
    this.subscriptions.forEach((each) => each.unsubscribe());
  }
}
""",
            after="""export class Topic {
  private subscriptions: Subscription[] = [];

  subscribe(source: Observable, next: Next): () => void {
    const subscription = source.subscribe(next);
    this.subscriptions.push(subscription);
    return () => {
      subscription.unsubscribe();
      const index = this.subscriptions.indexOf(subscription);
      if (index !== -1) {
        this.subscriptions.splice(index, 1);
      }
    };
  }

  close(): void {
    this.subscriptions.forEach((each) => each.unsubscribe());
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """export function words(text: string): string[] {
  const found: string[] = [];
  for (const word of text.split(' ')) {
    found.push(word);
  }
  return found;
}
""",
            "a builder: made, filled and returned",
            language="typescript",
        ),
        Quiet(
            """export class Registry {
  private readonly commands = new Map<string, Command>();

  constructor() {
    this.commands.set('open', new Open());
    this.commands.set('close', new Close());
  }
}
""",
            "filled at the start",
            language="typescript",
        ),
        Repair(
            before="""\
const std = @import("std");

const LatencyTracker = struct {
    allocator: std.mem.Allocator,
    latencies: std.ArrayListUnmanaged(u64) = .empty,
    max_latencies: usize = 50,

    fn record(self: *LatencyTracker, nanoseconds: u64) !void {
        try self.latencies.append(self.allocator, nanoseconds);
    }

    fn slowest(self: *const LatencyTracker) u64 {
        return std.mem.max(u64, self.latencies.items);
    }

    fn deinit(self: *LatencyTracker) void {
        self.latencies.deinit(self.allocator);
    }
};

test LatencyTracker {
    var tracker: LatencyTracker = .{ .allocator = std.testing.allocator };
    defer tracker.deinit();
    for (0..200) |count| try tracker.record(count);
    try std.testing.expectEqual(199, tracker.slowest());
}
""",
            after="""\
const std = @import("std");

const LatencyTracker = struct {
    allocator: std.mem.Allocator,
    latencies: std.ArrayListUnmanaged(u64) = .empty,
    max_latencies: usize = 50,

    fn record(self: *LatencyTracker, nanoseconds: u64) !void {
        try self.latencies.append(self.allocator, nanoseconds);
        while (self.latencies.items.len > self.max_latencies) _ = self.latencies.orderedRemove(0);
    }

    fn slowest(self: *const LatencyTracker) u64 {
        return std.mem.max(u64, self.latencies.items);
    }

    fn deinit(self: *LatencyTracker) void {
        self.latencies.deinit(self.allocator);
    }
};

test LatencyTracker {
    var tracker: LatencyTracker = .{ .allocator = std.testing.allocator };
    defer tracker.deinit();
    for (0..200) |count| try tracker.record(count);
    try std.testing.expectEqual(199, tracker.slowest());
}
""",
            language="zig",
            line=9,
        ),
        Repair(
            before="""\
const std = @import("std");

const EventLogger = struct {
    allocator: std.mem.Allocator,
    history: std.ArrayListUnmanaged([]u8) = .empty,

    fn record(self: *EventLogger, text: []const u8) !void {
        const copy = try self.allocator.dupe(u8, text);
        errdefer self.allocator.free(copy);
        try self.history.append(self.allocator, copy);
    }

    fn deinit(self: *EventLogger) void {
        for (self.history.items) |text| self.allocator.free(text);
        self.history.deinit(self.allocator);
    }
};
""",
            after=None,
            language="zig",
            why="nothing names a bound, and entries own memory",
            line=10,
        ),
        Quiet(
            code="""\
const std = @import("std");

const EventLogger = struct {
    allocator: std.mem.Allocator,
    history: std.ArrayListUnmanaged([]u8) = .empty,

    fn record(self: *EventLogger, text: []const u8) !void {
        const copy = try self.allocator.dupe(u8, text);
        errdefer self.allocator.free(copy);
        try self.history.append(self.allocator, copy);
        if (self.history.items.len > 100) self.allocator.free(self.history.orderedRemove(0));
    }

    fn deinit(self: *EventLogger) void {
        for (self.history.items) |text| self.allocator.free(text);
        self.history.deinit(self.allocator);
    }
};
""",
            why="its length is checked where it grows",
            language="zig",
        ),
        Quiet(
            code="""\
const std = @import("std");

const LineParser = struct {
    allocator: std.mem.Allocator,
    errors: std.ArrayListUnmanaged(usize) = .empty,

    fn handleLine(self: *LineParser, line: usize) !void {
        try self.errors.append(self.allocator, line);
    }

    fn deinit(self: *LineParser) void {
        self.errors.deinit(self.allocator);
    }
};
""",
            why="a parser ends with what it parses",
            language="zig",
        ),
        Quiet(
            code="""\
use std::collections::VecDeque;

#[derive(Default)]
pub struct JoinSet(VecDeque<u32>);

impl JoinSet {
    pub fn new() -> Self {
        JoinSet::default()
    }

    pub fn spawn(&mut self, job: u32) {
        self.0.push_back(job);
    }

    pub fn try_join_next(&mut self) -> Option<u32> {
        self.0.pop_front()
    }
}

pub fn serve(mut accept: impl Iterator<Item = u32>) {
    let mut jobs = JoinSet::new();
    while let Some(job) = accept.next() {
        jobs.spawn(job);
        while jobs.try_join_next().is_some() {}
    }
}
""",
            why="finished tasks are taken out in each round",
            language="rust",
        ),
        Quiet(
            code="""\
const MOST: usize = 30;

pub struct Jumps {
    jumps: Vec<u32>,
    at: usize,
}

impl Jumps {
    pub fn push(&mut self, jump: u32) {
        self.jumps.truncate(self.at);
        if self.jumps.len() >= MOST {
            self.jumps.remove(0);
        }
        self.jumps.push(jump);
        self.at = self.jumps.len();
    }
}
""",
            why="the oldest goes when it is full",
            language="rust",
        ),
        Quiet(
            code="""\
use std::collections::HashMap;

pub struct Client {
    next_id: u64,
    pending: HashMap<u64, String>,
}

impl Client {
    pub fn send(&mut self, text: String) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, text);
        id
    }

    pub fn answered(&mut self, id: u64) -> Option<String> {
        self.pending.remove(&id)
    }
}
""",
            why="an answer takes its entry out",
            language="rust",
        ),
        Quiet(
            code="""\
const handlers = new Map<string, () => void>();

export function register(name: string, handler: () => void): void {
  handlers.set(name, handler);
}

register("open", () => {});
register("save", () => {});
""",
            why="a registry that is filled when the program starts",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a collection."""
        for fact in facts.growth.growing:
            if fact.role != "cache":
                yield report(fact, settings, self.id)
        yield from (of_idiom(idiom, settings) for idiom in facts.unit.idioms if idiom.name == self.id)
        for load in facts.loading:
            if load.what == "batch" and load.detail == "pile":
                yield _piled(load)


def _piled(load: Load) -> Report:
    """A list of all results, where each item's could be handed on as it comes."""
    line = load.evidence[-1].line
    return Report(
        load.at,
        load.symbol,
        load.place,
        f"{load.place} grows with every item and is only taken at line {line}, all of it at once",
        (Step(load.at.line, "several entries for each item"), *load.evidence),
        confidence="medium",
        refusals=(f"what line {line} does with all of them would have to be done item by item",),
        impact=Impact("the results of one item × the number of items", "unbounded", ""),
    )
