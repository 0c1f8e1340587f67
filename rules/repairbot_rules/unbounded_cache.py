"""A cache without a bound.

**What is wrong.** What was computed once is kept for ever, under a key that comes from the caller. A cache
decorator on a method keeps every object that the method was called on, too.

**Evidence.** A dict of a long-lived object is named a cache (or holds locks, clients, instances by key), is
filled under keys that are not constants, and nothing takes entries out in the course of work; a removal that
somebody has to ask for, such as `clear()`, does not count. For decorators: `@cache` or
`@lru_cache(maxsize=None)` on a method, or on a function of the module whose argument names a request, a user,
an address.

A mapping that keeps its bound in `__setitem__` and inherits an `update` which does not call that has none.

**Repair.** The oldest entries go beyond a bound; a decorator gets a `maxsize`. Locks that their users hold
themselves are kept weakly, which is safe; so is what a sibling in the class keeps weakly. A bound that nothing
in the code names is unsafe.

**Quiet** when entries are removed or the length is checked, when the keys are constants, for static and class
methods, and for caches of objects that are made, used and dropped.

**Rust.** `LruCache::unbounded()` in a member, and maps that are named caches, filled by methods, seen by this file
alone and never emptied in it. Quiet for keys that come from a finite set.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Growing
from repairbot.lifetimes.intents import BOUND_CACHE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Impact, Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._growing import configured, of_idiom, report


def _decorator(fact: Growing, settings: Settings, rule: str) -> Report:
    made = fact.grows[0]
    bound = configured(settings, rule)
    method = fact.container.kind == "class"
    name = f"{fact.container.name}.{fact.member.name}" if method else fact.member.name
    what = f"every {fact.container.name} that it was called on" if method else "every result"
    keys = "; its keys hold self" if method else ""
    return Report(
        at=made.at,
        symbol=name,
        variable=fact.member.name,
        message=f"the cache of {fact.member.name}() keeps {what}",
        witness=(Step(made.at.line, f"a cache without a bound{keys}"),),
        evidence=fact.evidence,
        confidence=fact.confidence,
        intents=(
            Intent(
                BOUND_CACHE,
                made.at,
                fact.member.name,
                f"keep the last {bound:,} results",
                {"bound": str(bound)},
                safety="unsafe",
                choice=f"Nothing in the code names a bound. This keeps the last {bound:,} results.",
            ),
        ),
        impact=Impact(
            f"one result a new argument of {fact.member.name}()", "unbounded", f"at most {bound:,}"
        ),
    )


class UnboundedCache(Rule):
    """A cache without a bound."""

    languages = ("python", "zig", "typescript", "javascript", "rust")
    in_tests = "low"
    practice = "A cache says how much it keeps, or holds its entries weakly."
    examples = (
        Repair(
            before="""\
class ProfileService:
    def __init__(self, backend):
        self.backend = backend
        self._cache = {}

    def profile(self, user_id):
        if user_id not in self._cache:
            self._cache[user_id] = self.backend.load(user_id)
        return self._cache[user_id]
""",
            after="""\
class ProfileService:
    def __init__(self, backend):
        self.backend = backend
        self._cache = {}

    def profile(self, user_id):
        if user_id not in self._cache:
            self._cache[user_id] = self.backend.load(user_id)
            while len(self._cache) > 1000:
                self._cache.pop(next(iter(self._cache)))
        return self._cache[user_id]
""",
            unsafe=True,
            line=8,
        ),
        Repair(
            before="""\
import threading


class AccountAdapter:
    def __init__(self):
        self._locks = {}

    def transfer(self, account_id, amount):
        try:
            lock = self._locks[account_id]
        except KeyError:
            self._locks[account_id] = lock = threading.Lock()
        with lock:
            move(account_id, amount)
""",
            after="""\
import threading
from weakref import WeakValueDictionary


class AccountAdapter:
    def __init__(self):
        self._locks = WeakValueDictionary()

    def transfer(self, account_id, amount):
        try:
            lock = self._locks[account_id]
        except KeyError:
            self._locks[account_id] = lock = threading.Lock()
        with lock:
            move(account_id, amount)
""",
            line=12,
        ),
        Repair(
            before="""\
from functools import lru_cache


class Catalogue:
    def __init__(self, rows):
        self.rows = rows

    @lru_cache(maxsize=None)
    def search(self, words):
        return [row for row in self.rows if words in row]
""",
            after="""\
from functools import lru_cache


class Catalogue:
    def __init__(self, rows):
        self.rows = rows

    @lru_cache(maxsize=1000)
    def search(self, words):
        return [row for row in self.rows if words in row]
""",
            unsafe=True,
            line=8,
        ),
        Repair(
            before="""\
class Recent(dict):
    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def __setitem__(self, key, value):
        if len(self) >= self.limit:
            self.pop(next(iter(self)))
        super().__setitem__(key, value)
""",
            after="""\
class Recent(dict):
    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def __setitem__(self, key, value):
        if len(self) >= self.limit:
            self.pop(next(iter(self)))
        super().__setitem__(key, value)

    def update(self, *args, **kwargs):
        for key, value in dict(*args, **kwargs).items():
            self[key] = value
""",
            line=6,
        ),
        Quiet(
            code="""\
from collections import UserDict


class Recent(UserDict):
    def __setitem__(self, key, value):
        if len(self) >= 100:
            self.pop(next(iter(self)))
        super().__setitem__(key, value)
""",
            why="the update() of this base sets item by item",
        ),
        Quiet(
            code="""\
class ProfileService:
    def __init__(self, backend):
        self._cache = {}

    def profile(self, user_id):
        profile = self._cache[user_id] = load(user_id)
        if len(self._cache) > 500:
            self._cache.popitem()
        return profile
""",
            why="its length is checked",
        ),
        Quiet(
            code="""\
from functools import cache


class Catalogue:
    @staticmethod
    @cache
    def parse(words):
        return words.split()
""",
            why="a static method holds no object",
        ),
        Quiet(
            code="""\
class ProfileParser:
    def __init__(self):
        self._cache = {}

    def resolve(self, name_id):
        self._cache[name_id] = look_up(name_id)
""",
            why="a parser is made, used and dropped",
        ),
        Repair(
            before="""\
use lru::LruCache;

pub struct Lines {
    lines: LruCache<usize, String>,
}

impl Lines {
    pub fn new() -> Self {
        Self {
            lines: LruCache::unbounded(),
        }
    }

    pub fn render(&mut self, row: usize) {
        self.lines.put(row, row.to_string());
    }
}

#[test]
fn the_cache_is_bounded() {
    let mut lines = Lines::new();
    for row in 0..3_000 {
        lines.render(row);
    }
    assert_eq!(lines.lines.len(), 1_000);
}
""",
            after="""\
use lru::LruCache;

pub struct Lines {
    lines: LruCache<usize, String>,
}

impl Lines {
    pub fn new() -> Self {
        Self {
            lines: LruCache::new(1000),
        }
    }

    pub fn render(&mut self, row: usize) {
        self.lines.put(row, row.to_string());
    }
}

#[test]
fn the_cache_is_bounded() {
    let mut lines = Lines::new();
    for row in 0..3_000 {
        lines.render(row);
    }
    assert_eq!(lines.lines.len(), 1_000);
}
""",
            language="rust",
            unsafe=True,
        ),
        Repair(
            before="""\
const std = @import("std");

const ProfileService = struct {
    allocator: std.mem.Allocator,
    cache: std.StringHashMapUnmanaged(u64) = .empty,

    fn find(self: *ProfileService, user_id: []const u8) !u64 {
        if (self.cache.get(user_id)) |known| return known;
        const found = try std.fmt.parseInt(u64, user_id, 10);
        try self.cache.put(self.allocator, user_id, found);
        return found;
    }

    fn deinit(self: *ProfileService) void {
        self.cache.deinit(self.allocator);
    }
};
""",
            after=None,
            language="zig",
            why="nothing names a bound",
            line=10,
        ),
        Quiet(
            code="""\
const std = @import("std");

const ProfileService = struct {
    allocator: std.mem.Allocator,
    cache: std.StringHashMapUnmanaged(u64) = .empty,

    fn find(self: *ProfileService, user_id: []const u8) !u64 {
        if (self.cache.get(user_id)) |known| return known;
        const found = try std.fmt.parseInt(u64, user_id, 10);
        try self.cache.put(self.allocator, user_id, found);
        return found;
    }

    fn forget(self: *ProfileService, user_id: []const u8) void {
        _ = self.cache.remove(user_id);
    }

    fn deinit(self: *ProfileService) void {
        self.cache.deinit(self.allocator);
    }
};

test ProfileService {
    var service: ProfileService = .{ .allocator = std.testing.allocator };
    defer service.deinit();
    try std.testing.expectEqual(7, try service.find("7"));
    service.forget("7");
    try std.testing.expectEqual(0, service.cache.count());
}
""",
            why="an entry goes with its user",
            language="zig",
        ),
        Quiet(
            """const views = new WeakMap<Document, View>();

export function view(document: Document): View {
  let found = views.get(document);
  if (!found) {
    found = new View(document);
    views.set(document, found);
  }
  return found;
}
""",
            "a WeakMap lets its keys go",
            language="typescript",
        ),
        Repair(
            before="""export class Sessions {
  private readonly cache = new Map<string, Session>();

  open(request: Request): Session {
    const found = this.cache.get(request.sessionId);
    if (found) return found;
    const session = new Session(request);
    this.cache.set(request.sessionId, session);
    return session;
  }
}

export const sessions = new Sessions();
""",
            after="""export class Sessions {
  private readonly cache = new Map<string, Session>();

  open(request: Request): Session {
    const found = this.cache.get(request.sessionId);
    if (found) return found;
    const session = new Session(request);
    this.cache.set(request.sessionId, session);
    if (this.cache.size > 1000) {
      const oldest = this.cache.keys().next().value;
      if (oldest !== undefined) this.cache.delete(oldest);
    }
    return session;
  }
}

export const sessions = new Sessions();
""",
            language="typescript",
            unsafe=True,
        ),
        Repair(
            before="""class Views {
  constructor () {
    this.cache = new Map()
  }

  handle (request, response) {
    let view = this.cache.get(request.url)
    if (!view) {
      view = render(request.url)
      this.cache.set(request.url, view)
    }
    response.end(view)
  }
}

module.exports = new Views()
""",
            after="""class Views {
  constructor () {
    this.cache = new Map()
  }

  handle (request, response) {
    let view = this.cache.get(request.url)
    if (!view) {
      view = render(request.url)
      this.cache.set(request.url, view)
      if (this.cache.size > 1000) {
        const oldest = this.cache.keys().next().value
        if (oldest !== undefined) this.cache.delete(oldest)
      }
    }
    response.end(view)
  }
}

module.exports = new Views()
""",
            language="javascript",
            unsafe=True,
        ),
        Quiet(
            code="""\
use std::collections::HashMap;

pub struct Shaper {
    glyph_cache: HashMap<String, u32>,
}

impl Shaper {
    pub fn shape(&mut self, text: &str) -> u32 {
        let next = self.glyph_cache.len() as u32;
        *self.glyph_cache.entry(text.to_string()).or_insert(next)
    }

    pub fn font_changed(&mut self) {
        self.glyph_cache.clear();
    }
}
""",
            why="emptied when what it holds is no longer right",
            language="rust",
        ),
        Quiet(
            code="""\
export class LayoutService {
  private readonly sizes = new WeakMap<Element, number>();

  measure(element: Element): number {
    let size = this.sizes.get(element);
    if (size === undefined) {
      size = element.clientWidth;
      this.sizes.set(element, size);
    }
    return size;
  }
}
""",
            why="an entry goes with its element",
            language="typescript",
        ),
        Quiet(
            code="""\
const std = @import("std");

const ProfileService = struct {
    allocator: std.mem.Allocator,
    cache: std.StringHashMapUnmanaged(u64) = .empty,

    fn find(self: *ProfileService, user_id: []const u8) !u64 {
        if (self.cache.get(user_id)) |known| return known;
        const found = try std.fmt.parseInt(u64, user_id, 10);
        try self.cache.put(self.allocator, user_id, found);
        return found;
    }

    fn forget(self: *ProfileService, user_id: []const u8) void {
        _ = self.cache.remove(user_id);
    }

    fn deinit(self: *ProfileService) void {
        self.cache.deinit(self.allocator);
    }
};
""",
            why="an entry goes with its user",
            language="zig",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a cache."""
        for fact in facts.growth.growing:
            if fact.kind == "cache":
                yield _decorator(fact, settings, self.id)
            elif fact.role == "cache":
                yield report(fact, settings, self.id)
        for idiom in facts.unit.idioms:
            if idiom.name == self.id:
                yield of_idiom(idiom, settings)
