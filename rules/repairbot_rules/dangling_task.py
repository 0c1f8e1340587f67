"""A task that nobody holds, waits for or cancels.

**What is wrong.** The event loop keeps only a weak reference to a task. A task whose handle is dropped can
vanish in the middle of its work, its errors are seen by nobody, and at the end of a service nothing can
cancel it. A task that is made for one wait and left behind when another wins stays for ever: one more in
each round.

**Evidence.** The call stands as a statement of its own; or the task is made for `asyncio.wait` with
`FIRST_COMPLETED` or a time limit and the pending ones are never looked at; or a member keeps it, it loops for
ever, and the teardown that the class has does not mention it; or it is started before a context manager's
`yield` and not cancelled behind it.

**Repair.** A set keeps the handle until the task is done (the class's or module's own, where there is one);
what a wait leaves is cancelled behind it; the teardown cancels a member; `try`/`finally` around the `yield`.

**Quiet** for task groups, for tasks that are returned, stored or passed on, beside `run_forever()`, and for
a member that any other code of the file touches.

**Rust.** `detach()` alone is no leak. Seen as one: the task fills the entry of a map whose entries another method
removes, and does not end with its entry; a flag keeps a second task from starting and only the task itself resets
it; a task is aborted when a step fails and not when the caller is dropped at an `.await`; a loop reads lines and
never looks how many bytes it got. The task is kept under the same key, or in place of the flag.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Registered
from repairbot.lifetimes.intents import CANCEL_ON_EXIT, CANCEL_PENDING, KEEP_HANDLE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import end_in_teardown, idioms, problems, report


class DanglingTask(Rule):
    """A task without a holder or an end."""

    languages = ("python", "typescript", "javascript", "rust")
    in_tests = "low"
    practice = "Keep the handle of every task, and cancel it where its owner ends."
    examples = (
        Repair(
            before="""\
import asyncio


class Notifier:
    def notify(self, user):
        asyncio.create_task(self.send(user))

    async def send(self, user):
        await user.push("ready")
""",
            after="""\
import asyncio

_background_tasks = set()


class Notifier:
    def notify(self, user):
        task = asyncio.create_task(self.send(user))
        _background_tasks.add(task)
        task.add_done_callback(_background_tasks.discard)

    async def send(self, user):
        await user.push("ready")
""",
            line=6,
        ),
        Repair(
            before="""\
import asyncio


async def pump(stop, ready, sink):
    while not stop.is_set():
        await sink.flush()
        await asyncio.wait(
            [asyncio.create_task(stop.wait()), asyncio.create_task(ready.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
""",
            after="""\
import asyncio


async def pump(stop, ready, sink):
    while not stop.is_set():
        await sink.flush()
        _, pending = await asyncio.wait(
            [asyncio.create_task(stop.wait()), asyncio.create_task(ready.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in pending:
            task.cancel()
""",
            line=7,
        ),
        Repair(
            before="""\
import asyncio


async def receive(queue, closed):
    item = asyncio.create_task(queue.get())
    done, _ = await asyncio.wait([item, closed], return_when=asyncio.FIRST_COMPLETED)
    if item in done:
        return item.result()
    return None
""",
            after="""\
import asyncio


async def receive(queue, closed):
    item = asyncio.create_task(queue.get())
    done, _ = await asyncio.wait([item, closed], return_when=asyncio.FIRST_COMPLETED)
    item.cancel()
    if item in done:
        return item.result()
    return None
""",
            line=5,
        ),
        Repair(
            before="""\
import asyncio
from contextlib import asynccontextmanager


async def sweep(cache):
    while True:
        await asyncio.sleep(60)
        cache.sweep()


@asynccontextmanager
async def lifespan(app):
    asyncio.create_task(sweep(app.cache))
    yield
""",
            after="""\
import asyncio
from contextlib import asynccontextmanager


async def sweep(cache):
    while True:
        await asyncio.sleep(60)
        cache.sweep()


@asynccontextmanager
async def lifespan(app):
    task = asyncio.create_task(sweep(app.cache))
    try:
        yield
    finally:
        task.cancel()
""",
            line=13,
        ),
        Repair(
            before="""\
import asyncio


class Poller:
    def __init__(self, source):
        self.source = source
        self._task = None

    def start(self):
        self._task = asyncio.create_task(self._poll())

    async def _poll(self):
        while True:
            await self.source.read()

    async def stop(self):
        await self.source.close()
""",
            after="""\
import asyncio


class Poller:
    def __init__(self, source):
        self.source = source
        self._task = None

    def start(self):
        self._task = asyncio.create_task(self._poll())

    async def _poll(self):
        while True:
            await self.source.read()

    async def stop(self):
        if self._task is not None:
            self._task.cancel()
        await self.source.close()
""",
            line=10,
        ),
        Repair(
            before="""\
import asyncio


async def beat(rate, stopped):
    async def wait():
        await asyncio.sleep(rate)

    first = asyncio.create_task(wait())
    second = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    return second in done
""",
            after="""\
import asyncio


async def beat(rate, stopped):
    async def wait():
        await asyncio.sleep(rate)

    first = asyncio.create_task(wait())
    second = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
    first.cancel()
    second.cancel()
    return second in done
""",
            line=8,
        ),
        Repair(
            before="""\
import asyncio

MISSING = object()


class Poller:
    def __init__(self, source):
        self.source = source
        self._task = MISSING

    def start(self):
        self._task = asyncio.create_task(self._poll())

    async def _poll(self):
        while True:
            await self.source.read()

    async def close(self):
        await self.source.close()
""",
            after=None,
            why="what stands for no task has no cancel()",
        ),
        Quiet(
            code="""\
import asyncio


class Poller:
    def __init__(self, source):
        self.source = source
        self._task = None

    def start(self):
        self._task = asyncio.create_task(self._poll())

    async def _poll(self):
        while True:
            try:
                await self.source.read()
            except ConnectionError:
                await self.close()
                break

    async def close(self):
        await self.source.close()
""",
            why="the task itself calls close(), which would cancel it half way",
        ),
        Quiet(
            code="""\
import asyncio


async def gather(urls, fetch):
    async with asyncio.TaskGroup() as group:
        for url in urls:
            group.create_task(fetch(url))
""",
            why="a task group waits for its tasks",
        ),
        Quiet(
            code="""\
import asyncio


async def race(one, other):
    tasks = [asyncio.create_task(one()), asyncio.create_task(other())]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return done
""",
            why="the pending ones are cancelled",
        ),
        Quiet(
            code="""\
import asyncio


class Poller:
    def start(self):
        self._task = asyncio.create_task(self._poll())

    async def _poll(self):
        while True:
            await asyncio.sleep(1)

    async def stop(self):
        for task in (self._task,):
            task.cancel()
""",
            why="the teardown sees the member",
        ),
        Repair(
            before="""\
use gpui::{Context, Task};
use std::collections::HashMap;

pub struct Tools {
    tool_ids: HashMap<String, Vec<u32>>,
}

impl Tools {
    pub fn new() -> Self {
        Self {
            tool_ids: HashMap::new(),
        }
    }

    pub fn server_started(&mut self, server: String, cx: &mut Context<Self>) {
        self.load(server, cx);
    }

    pub fn server_stopped(&mut self, server: &str) {
        self.tool_ids.remove(server);
    }

    fn load(&self, server: String, cx: &mut Context<Self>) {
        let listed: Task<Vec<u32>> = cx.spawn(|_, _| async { Vec::new() });
        cx.spawn(|this, mut cx| async move {
            let ids = ask(&server).await;
            this.update(&mut cx, |this, _| {
                this.tool_ids.insert(server, ids);
            });
        })
        .detach();
        drop(listed);
    }
}

async fn ask(_: &str) -> Vec<u32> {
    std::future::pending().await
}

#[test]
fn what_loads_the_tools_ends_with_the_server() {
    let tools = Context::root().new(|_| Tools::new());
    let cx = &mut Context::root();
    tools.update(cx, |tools, cx| tools.server_started("a".into(), cx));
    assert_eq!(gpui::tasks(), 1);
    tools.update(cx, |tools, _| tools.server_stopped("a"));
    assert_eq!(gpui::tasks(), 0);
}
""",
            after="""\
use gpui::{Context, Task};
use std::collections::HashMap;

pub struct Tools {
    tool_ids: HashMap<String, Vec<u32>>,
    tool_tasks: HashMap<String, Task<()>>,
}

impl Tools {
    pub fn new() -> Self {
        Self {
            tool_ids: HashMap::new(),
            tool_tasks: HashMap::new(),
        }
    }

    pub fn server_started(&mut self, server: String, cx: &mut Context<Self>) {
        self.load(server, cx);
    }

    pub fn server_stopped(&mut self, server: &str) {
        self.tool_tasks.remove(server);
        self.tool_ids.remove(server);
    }

    fn load(&mut self, server: String, cx: &mut Context<Self>) {
        let listed: Task<Vec<u32>> = cx.spawn(|_, _| async { Vec::new() });
        let task_server = server.clone();
        let task = cx.spawn(|this, mut cx| async move {
            let ids = ask(&server).await;
            this.update(&mut cx, |this, _| {
                this.tool_ids.insert(server, ids);
            });
        });
        self.tool_tasks.insert(task_server, task);
        drop(listed);
    }
}

async fn ask(_: &str) -> Vec<u32> {
    std::future::pending().await
}

#[test]
fn what_loads_the_tools_ends_with_the_server() {
    let tools = Context::root().new(|_| Tools::new());
    let cx = &mut Context::root();
    tools.update(cx, |tools, cx| tools.server_started("a".into(), cx));
    assert_eq!(gpui::tasks(), 1);
    tools.update(cx, |tools, _| tools.server_stopped("a"));
    assert_eq!(gpui::tasks(), 0);
}
""",
            language="rust",
        ),
        Repair(
            before="""\
use gpui::{Context, Task};

pub struct Buffer {
    text: String,
    parsing: bool,
    autosave: Option<Task<()>>,
}

impl Buffer {
    pub fn new(text: String) -> Self {
        Self {
            text,
            parsing: false,
            autosave: None,
        }
    }

    pub fn reparse(&mut self, cx: &mut Context<Self>) {
        if self.parsing {
            return;
        }
        let text = self.text.clone();
        self.parsing = true;
        cx.spawn(|this, mut cx| async move {
            parse(text).await;
            this.update(&mut cx, |this, cx| {
                this.parsing = false;
                cx.notify();
            });
        })
        .detach();
    }
}

async fn parse(_: String) {
    std::future::pending().await
}

#[test]
fn parsing_ends_with_the_buffer() {
    let cx = &mut Context::root();
    let buffer = cx.new(|_| Buffer::new("fn".into()));
    buffer.update(cx, |buffer, cx| buffer.reparse(cx));
    drop(buffer);
    assert_eq!(gpui::tasks(), 0);
}
""",
            after="""\
use gpui::{Context, Task};

pub struct Buffer {
    text: String,
    parsing: Option<Task<()>>,
    autosave: Option<Task<()>>,
}

impl Buffer {
    pub fn new(text: String) -> Self {
        Self {
            text,
            parsing: None,
            autosave: None,
        }
    }

    pub fn reparse(&mut self, cx: &mut Context<Self>) {
        if self.parsing.is_some() {
            return;
        }
        let text = self.text.clone();
        self.parsing = Some(cx.spawn(|this, mut cx| async move {
            parse(text).await;
            this.update(&mut cx, |this, cx| {
                this.parsing = None;
                cx.notify();
            });
        }));
    }
}

async fn parse(_: String) {
    std::future::pending().await
}

#[test]
fn parsing_ends_with_the_buffer() {
    let cx = &mut Context::root();
    let buffer = cx.new(|_| Buffer::new("fn".into()));
    buffer.update(cx, |buffer, cx| buffer.reparse(cx));
    drop(buffer);
    assert_eq!(gpui::tasks(), 0);
}
""",
            language="rust",
            unsafe=True,
        ),
        Repair(
            before="""export class Search {
  private readonly results = new Map<string, string>();

  constructor(address: URL) {
    new Worker(address);
  }

  dispose(): void {
    this.results.clear();
  }
}
""",
            after="""export class Search {
  private readonly results = new Map<string, string>();
  private worker?: Worker;

  constructor(address: URL) {
    this.worker = new Worker(address);
  }

  dispose(): void {
    this.results.clear();
    this.worker?.terminate();
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """export class Search {
  private readonly worker: Worker;

  constructor(address: URL) {
    this.worker = new Worker(address);
  }

  dispose(): void {
    this.worker.terminate();
  }
}
""",
            "the teardown ends it",
            language="typescript",
        ),
        Quiet(
            code="""\
use std::collections::HashMap;

pub struct Task;

impl Task {
    pub fn detach(self) {}
}

pub struct Context;

impl Context {
    pub fn spawn<F: FnOnce(&mut Index)>(&mut self, work: F) -> Task {
        let mut index = Index::default();
        work(&mut index);
        Task
    }
}

#[derive(Default)]
pub struct Index {
    pages: HashMap<u32, String>,
}

impl Index {
    pub fn load(&mut self, name: u32, cx: &mut Context) {
        cx.spawn(move |this| {
            this.pages.insert(name, String::new());
        })
        .detach();
    }
}
""",
            why="a task that ends by itself, and nothing in the code says that it should end before",
            language="rust",
        ),
        Quiet(
            code="""\
use std::io::{self, BufRead, BufReader, Read};

pub fn copy(source: impl Read) -> io::Result<()> {
    let mut lines = BufReader::new(source);
    let mut line = String::new();
    loop {
        line.clear();
        lines.read_line(&mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        print!("{line}");
    }
}
""",
            why="the loop leaves at the end of the file",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a task."""
        for it in problems(facts, "task", "dropped", "uncancelled"):
            yield _report(it)
        yield from idioms(facts, self.id)


def _report(it: Registered) -> Report:
    task = it.registration
    name = task.handler.removesuffix("()")
    if task.pending:
        run = [each.rpartition(".")[2] for each in name.split(", ")] if name else []
        begun = " or ".join(f"{each}()" for each in name.split(", "))
        harmless = all(each in _HARMLESS for each in run)
        intent = Intent(
            CANCEL_PENDING,
            task.at,
            task.handle,
            "cancel what the wait leaves behind",
            {"tasks": task.handle},
            (task.statement,),
            safety="safe" if harmless else "unsafe",
            choice="" if harmless else f"what {begun} has begun by then is given up",
        )
        message = "each wait leaves a task behind that nobody cancels"
        growth = "one task a round" if task.looped else "one task a call"
        return report(it, task.handle, message, (intent,), growth=f"{growth} × what its coroutine holds")
    if task.resumes:
        intent = Intent(
            CANCEL_ON_EXIT,
            task.at,
            task.handle,
            "cancel it when the service ends",
            {"name": task.handle},
            (task.statement,),
        )
        return report(it, name, f"{name} is not cancelled when the service ends", (intent,))
    if it.problem == "dropped" and task.remove == ".terminate":
        args = {"container": task.owner, "what": name, "method": it.teardown, "remove": task.remove}
        intent = Intent(
            KEEP_HANDLE, task.at, "", f"keep it and end it in {it.teardown}()", args, (task.statement,)
        )
        return report(it, name, f"nobody can end this {name}", (intent,))
    if it.problem == "dropped":
        args = {"container": task.owner, "what": "task", "keeper": it.keeper}
        intent = Intent(
            KEEP_HANDLE, task.at, "", "keep the handle until the task is done", args, (task.statement,)
        )
        what = f"the task that runs {name}()" if name else "this task"
        return report(it, name, f"nobody holds {what}", (intent,))
    return report(
        it,
        task.handle,
        f"{task.handle} is not cancelled in {it.teardown}()",
        end_in_teardown(it, task.handle, ".cancel"),
        f"{task.handle} may not be set yet when {it.teardown}() runs: set it to None in the constructor first",
    )


_HARMLESS = ("wait", "get", "sleep", "recv", "read", "join")
"""What may be cancelled at any time without losing anything."""
