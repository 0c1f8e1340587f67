"""A callback, or a part, that holds the object which holds it.

**What is wrong.** The object and its callback keep each other. Neither goes when the last user drops the
object, only when the garbage collector comes by: with large objects or many connections that is late.

**Evidence.** A done-callback names the future it hangs on although it is handed that future; a lambda stored
in an object that is closed one day captures `self` for the sake of one value that never changes; an object of
a C extension is given its owner and not dropped by the teardown.

**Repair.** The callback's own argument; the value instead of the object; the part dropped in the teardown.

**Quiet** for ordinary cycles of Python objects, which are no leak.

**Rust.** Nothing collects such a cycle. Seen as one: a strong handle of the object (`cx.view().clone()`, `self.clone()`
of an `Arc`) in a closure that the object or a part of it stores; a detached subscription whose callback captures what
it was taken on; a task in a loop without an end, or a timer that starts itself again, with a strong handle; a task
that an object keeps and that is given the object. The handle is made weak and upgraded inside. Quiet for tasks that
end by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms


class StrongSelfCapture(Rule):
    """A cycle through a callback."""

    severity = "low"
    languages = ("python", "rust")
    practice = "Let callbacks capture the values they need, not the object that keeps them."
    examples = (
        Repair(
            before="""\
def watch(loop, future, callback):
    future.add_done_callback(lambda done: loop.call(callback, future))
""",
            after="""\
def watch(loop, future, callback):
    future.add_done_callback(lambda done: loop.call(callback, done))
""",
            line=2,
        ),
        Repair(
            before="""\
class Client:
    def __init__(self, eager):
        self._eager = eager
        self._make = lambda: build(self._eager)

    def close(self):
        pass
""",
            after="""\
class Client:
    def __init__(self, eager):
        self._eager = eager
        self._make = lambda eager=self._eager: build(eager)

    def close(self):
        pass
""",
            line=4,
        ),
        Quiet(
            code="""\
def watch(future, callback):
    future.add_done_callback(lambda done: callback(done))
""",
            why="the callback uses its own argument",
        ),
        Quiet(
            code="""\
class Client:
    def __init__(self):
        self._handler = lambda event: self.on_event(event)

    def on_event(self, event):
        pass

    def close(self):
        pass
""",
            why="it needs the object itself",
        ),
        Repair(
            before="""\
use gpui::Context;

#[derive(Default)]
pub struct List {
    draw: Option<Box<dyn Fn(usize)>>,
}

impl List {
    pub fn set_draw(&mut self, draw: impl Fn(usize) + 'static) {
        self.draw = Some(Box::new(draw));
    }
}

pub struct Panel {
    list: List,
    drawn: usize,
}

impl Panel {
    pub fn new(cx: &mut Context<Self>) -> Self {
        let mut list = List::default();
        let panel = cx.entity().clone();
        list.set_draw(move |row| {
            panel.update(&mut Context::root(), |panel, _| panel.drawn = row);
        });
        Self { list, drawn: 0 }
    }
}
""",
            after="""\
use gpui::Context;

#[derive(Default)]
pub struct List {
    draw: Option<Box<dyn Fn(usize)>>,
}

impl List {
    pub fn set_draw(&mut self, draw: impl Fn(usize) + 'static) {
        self.draw = Some(Box::new(draw));
    }
}

pub struct Panel {
    list: List,
    drawn: usize,
}

impl Panel {
    pub fn new(cx: &mut Context<Self>) -> Self {
        let mut list = List::default();
        let panel = cx.weak_entity();
        list.set_draw(move |row| {
            if let Some(panel) = panel.upgrade() {
                panel.update(&mut Context::root(), |panel, _| panel.drawn = row);
            }
        });
        Self { list, drawn: 0 }
    }
}
""",
            language="rust",
        ),
        Repair(
            before="""\
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[derive(Default)]
pub struct Client {
    handlers: RefCell<Vec<Box<dyn Fn(u32)>>>,
    last: Cell<u32>,
}

impl Client {
    pub fn remember(self: &Rc<Self>) {
        let client = self.clone();
        self.handlers.borrow_mut().push(Box::new(move |message| {
            client.last.set(message);
        }));
    }

    pub fn receive(&self, message: u32) {
        for handler in self.handlers.borrow().iter() {
            handler(message);
        }
    }
}

#[test]
fn a_client_goes_with_its_last_user() {
    let client = Rc::new(Client::default());
    client.remember();
    client.receive(7);
    assert_eq!(client.last.get(), 7);
    assert_eq!(Rc::strong_count(&client), 1);
}
""",
            after="""\
use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[derive(Default)]
pub struct Client {
    handlers: RefCell<Vec<Box<dyn Fn(u32)>>>,
    last: Cell<u32>,
}

impl Client {
    pub fn remember(self: &Rc<Self>) {
        let client = Rc::downgrade(self);
        self.handlers.borrow_mut().push(Box::new(move |message| {
            if let Some(client) = client.upgrade() {
                client.last.set(message);
            }
        }));
    }

    pub fn receive(&self, message: u32) {
        for handler in self.handlers.borrow().iter() {
            handler(message);
        }
    }
}

#[test]
fn a_client_goes_with_its_last_user() {
    let client = Rc::new(Client::default());
    client.remember();
    client.receive(7);
    assert_eq!(client.last.get(), 7);
    assert_eq!(Rc::strong_count(&client), 1);
}
""",
            language="rust",
        ),
        Quiet(
            code="""\
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct Client {
    handlers: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl Client {
    pub fn watch(self: &Arc<Self>) {
        let client = Arc::downgrade(self);
        self.handlers.lock().unwrap().push(Box::new(move || {
            if let Some(client) = client.upgrade() {
                client.changed();
            }
        }));
    }

    fn changed(&self) {}
}
""",
            why="a weak handle, upgraded inside",
            language="rust",
        ),
        Quiet(
            code="""\
use std::sync::Arc;
use std::thread;

#[derive(Default)]
pub struct Client;

impl Client {
    pub fn save(self: &Arc<Self>) {
        let client = self.clone();
        thread::spawn(move || client.write());
    }

    fn write(&self) {}
}
""",
            why="a thread that ends by itself holds it only until then",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a place."""
        yield from idioms(facts, "strong-self-capture")
