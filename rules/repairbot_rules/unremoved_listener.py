"""A listener that stays registered when its owner ends.

**What is wrong.** A listener registered on something that lives longer keeps its owner alive, and is called
for an object that was closed. Each new owner adds one more.

**Evidence.** A bare registration proves nothing. Seen as a leak: the class removes other listeners of the
same kind and not this one; a removal exists and the teardown that speaks to the same target does not come to
it; or a teardown exists, nothing removes, and the target was passed in, injected or is global. Also: an
object that enters itself in a registry of a class and is not taken out by its teardown, and a removal that
hangs on a callback which is only held weakly.

**Repair.** The removal, next to its siblings or in the teardown; the name of the callback kept.

**Quiet** where the object made the target itself, where a removal takes its handlers out of a variable, and
for weak registrations.

**Rust.** `detach()` lets go of the handle whose drop would end the subscription. It counts where the type has a member
for subscriptions and this one is not in it, unless it was taken on what the object made itself. It is kept there.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Registered
from repairbot.lifetimes.intents import ADD_TO_TEARDOWN, INSERT_AFTER, KEEP_CALLBACK, KEEP_HANDLE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms, problems, report


class UnremovedListener(Rule):
    """A listener nobody removes."""

    languages = ("python", "typescript", "javascript", "rust")
    practice = "Write the removal of a listener together with its registration."
    examples = (
        Repair(
            before="""\
class View:
    def connect(self, app):
        app.buffer.on_insert.add_handler(self.refresh)
        app.buffer.on_move.add_handler(self.dismiss)

    def disconnect(self, app):
        app.buffer.on_insert.remove_handler(self.refresh)

    def refresh(self):
        pass

    def dismiss(self):
        pass
""",
            after="""\
class View:
    def connect(self, app):
        app.buffer.on_insert.add_handler(self.refresh)
        app.buffer.on_move.add_handler(self.dismiss)

    def disconnect(self, app):
        app.buffer.on_insert.remove_handler(self.refresh)
        app.buffer.on_move.remove_handler(self.dismiss)

    def refresh(self):
        pass

    def dismiss(self):
        pass
""",
            line=4,
        ),
        Repair(
            before="""\
class Panel:
    def __init__(self, bus):
        self.bus = bus
        self.bus.add_listener(self.on_event)

    def on_event(self, event):
        print(event)

    def close(self):
        print("closed")
""",
            after="""\
class Panel:
    def __init__(self, bus):
        self.bus = bus
        self.bus.add_listener(self.on_event)

    def on_event(self, event):
        print(event)

    def close(self):
        self.bus.remove_listener(self.on_event)
        print("closed")
""",
            line=4,
        ),
        Repair(
            before="""\
class Loop:
    _by_thread = {}

    def __init__(self, thread):
        self.thread = thread
        Loop._by_thread[thread] = self

    def close(self):
        self.thread.stop()
""",
            after="""\
class Loop:
    _by_thread = {}

    def __init__(self, thread):
        self.thread = thread
        Loop._by_thread[thread] = self

    def close(self):
        Loop._by_thread.pop(self.thread, None)
        self.thread.stop()
""",
            line=6,
        ),
        Quiet(
            code="""\
class Panel:
    def __init__(self):
        self.bus = Bus()
        self.bus.add_listener(self.on_event)

    def on_event(self, event):
        print(event)

    def close(self):
        print("closed")
""",
            why="the object made the bus itself: both go together",
        ),
        Quiet(
            code="""\
class Panel:
    def __init__(self, bus):
        self.bus = bus
        self._handlers = []
        self._listen(self.on_event)

    def _listen(self, handler):
        self._handlers.append(handler)
        self.bus.add_listener(handler)

    def on_event(self, event):
        print(event)

    def close(self):
        for handler in self._handlers:
            self.bus.remove_listener(handler)
""",
            why="the removal takes the handlers out of a list",
        ),
        Quiet(
            code="""\
class Plugin:
    def __init__(self, bus):
        bus.add_listener(self.on_event)

    def on_event(self, event):
        print(event)
""",
            why="no teardown: it may well live as long as the bus",
        ),
        Repair(
            before="""\
use gpui::{Context, Entity, EventEmitter, Subscription};

pub struct Servers;
pub struct Stopped(pub u32);

impl EventEmitter<Stopped> for Servers {}

pub struct Panel {
    servers: Entity<Servers>,
    stopped: Vec<u32>,
    kept: Vec<Subscription>,
}

impl Panel {
    pub fn new(servers: Entity<Servers>, cx: &mut Context<Self>) -> Self {
        let this = Self {
            servers,
            stopped: Vec::new(),
            kept: Vec::new(),
        };
        this.listen(cx);
        this
    }

    fn listen(&self, cx: &mut Context<Self>) {
        cx.subscribe(&self.servers, Self::on_stop).detach();
    }

    fn on_stop(&mut self, _: Entity<Servers>, event: &Stopped, _: &mut Context<Self>) {
        self.stopped.push(event.0);
    }
}

#[test]
fn its_subscription_ends_with_it() {
    let cx = &mut Context::root();
    let servers = cx.new(|_| Servers);
    let panel = cx.new(|cx| Panel::new(servers.clone(), cx));
    assert_eq!(gpui::subscriptions(), 1);
    drop(panel);
    assert_eq!(gpui::subscriptions(), 0);
}
""",
            after="""\
use gpui::{Context, Entity, EventEmitter, Subscription};

pub struct Servers;
pub struct Stopped(pub u32);

impl EventEmitter<Stopped> for Servers {}

pub struct Panel {
    servers: Entity<Servers>,
    stopped: Vec<u32>,
    kept: Vec<Subscription>,
}

impl Panel {
    pub fn new(servers: Entity<Servers>, cx: &mut Context<Self>) -> Self {
        let mut this = Self {
            servers,
            stopped: Vec::new(),
            kept: Vec::new(),
        };
        this.listen(cx);
        this
    }

    fn listen(&mut self, cx: &mut Context<Self>) {
        self.kept.push(cx.subscribe(&self.servers, Self::on_stop));
    }

    fn on_stop(&mut self, _: Entity<Servers>, event: &Stopped, _: &mut Context<Self>) {
        self.stopped.push(event.0);
    }
}

#[test]
fn its_subscription_ends_with_it() {
    let cx = &mut Context::root();
    let servers = cx.new(|_| Servers);
    let panel = cx.new(|cx| Panel::new(servers.clone(), cx));
    assert_eq!(gpui::subscriptions(), 1);
    drop(panel);
    assert_eq!(gpui::subscriptions(), 0);
}
""",
            language="rust",
        ),
        Repair(
            before="""\
use gpui::{Context, Entity, EventEmitter, Subscription, WeakEntity};

pub struct Note;
pub struct Edited;

impl EventEmitter<Edited> for Note {}

#[derive(Default)]
pub struct Notes {
    open: Vec<WeakEntity<Note>>,
    edits: u32,
    _subscriptions: Vec<Subscription>,
}

impl Notes {
    pub fn add(&mut self, note: &Entity<Note>, cx: &mut Context<Self>) {
        self.open.push(note.downgrade());
        cx.notify();
        cx.subscribe(note, |this, _, _: &Edited, _| this.edits += 1)
            .detach();
    }

    pub fn sweep(&mut self) {
        self.open.retain(|note| note.upgrade().is_some());
    }
}

#[test]
fn a_subscription_ends_with_its_entry() {
    let cx = &mut Context::root();
    let notes = cx.new(|_| Notes::default());
    let note = cx.new(|_| Note);
    notes.update(cx, |notes, cx| notes.add(&note, cx));
    drop(note);
    notes.update(cx, |notes, _| notes.sweep());
    assert_eq!(gpui::subscriptions(), 0);
}
""",
            after="""\
use gpui::{Context, Entity, EventEmitter, Subscription, WeakEntity};

pub struct Note;
pub struct Edited;

impl EventEmitter<Edited> for Note {}

#[derive(Default)]
pub struct Notes {
    open: Vec<(WeakEntity<Note>, Subscription)>,
    edits: u32,
    _subscriptions: Vec<Subscription>,
}

impl Notes {
    pub fn add(&mut self, note: &Entity<Note>, cx: &mut Context<Self>) {
        let subscription = cx.subscribe(note, |this, _, _: &Edited, _| this.edits += 1);
        self.open.push((note.downgrade(), subscription));
        cx.notify();
    }

    pub fn sweep(&mut self) {
        self.open.retain(|(note, _)| note.upgrade().is_some());
    }
}

#[test]
fn a_subscription_ends_with_its_entry() {
    let cx = &mut Context::root();
    let notes = cx.new(|_| Notes::default());
    let note = cx.new(|_| Note);
    notes.update(cx, |notes, cx| notes.add(&note, cx));
    drop(note);
    notes.update(cx, |notes, _| notes.sweep());
    assert_eq!(gpui::subscriptions(), 0);
}
""",
            language="rust",
        ),
        Repair(
            before="""export class Shortcuts {
  constructor() {
    window.addEventListener('keydown', this.onKey);
    window.addEventListener('keyup', this.onRelease);
  }

  dispose(): void {
    window.removeEventListener('keydown', this.onKey);
  }

  private onKey = (): void => {};
  private onRelease = (): void => {};
}
""",
            after="""export class Shortcuts {
  constructor() {
    window.addEventListener('keydown', this.onKey);
    window.addEventListener('keyup', this.onRelease);
  }

  dispose(): void {
    window.removeEventListener('keydown', this.onKey);
    window.removeEventListener('keyup', this.onRelease);
  }

  private onKey = (): void => {};
  private onRelease = (): void => {};
}
""",
            language="typescript",
        ),
        Repair(
            before="""export class Shortcuts {
  constructor() {
    document.addEventListener('keydown', () => this.press());
  }

  dispose(): void {
    this.pressed = 0;
  }

  private pressed = 0;

  private press(): void {
    this.pressed += 1;
  }
}
""",
            after="""export class Shortcuts {
  constructor() {
    document.addEventListener('keydown', this.boundPress);
  }

  dispose(): void {
    this.pressed = 0;
    document.removeEventListener('keydown', this.boundPress);
  }

  private pressed = 0;
  private readonly boundPress = () => this.press();

  private press(): void {
    this.pressed += 1;
  }
}
""",
            language="typescript",
        ),
        Repair(
            before="""export class Tree extends Disposable {
  constructor(private readonly model: Model) {
    super();
    this._register(this.model.onAdd(() => this.draw()));
    this.model.onRemove(() => this.draw());
  }

  private draw(): void {}
}
""",
            after="""export class Tree extends Disposable {
  constructor(private readonly model: Model) {
    super();
    this._register(this.model.onAdd(() => this.draw()));
    this._register(this.model.onRemove(() => this.draw()));
  }

  private draw(): void {}
}
""",
            language="typescript",
        ),
        Quiet(
            """export class Shortcuts {
  constructor(signal: AbortSignal) {
    window.addEventListener('keydown', this.onKey, { signal });
    window.addEventListener('load', this.onLoad, { once: true });
  }

  dispose(): void {}

  private onKey = (): void => {};
  private onLoad = (): void => {};
}
""",
            "an AbortSignal and `once` take them back",
            language="typescript",
        ),
        Quiet(
            code="""\
pub struct Subscription;

impl Subscription {
    pub fn detach(self) {}
}

pub struct Entity;

pub struct Context;

impl Context {
    pub fn subscribe(&mut self, _: &Entity, _: fn(&mut View)) -> Subscription {
        Subscription
    }

    pub fn new_entity(&mut self) -> Entity {
        Entity
    }
}

pub struct View {
    editor: Entity,
    _subscriptions: Vec<Subscription>,
}

impl View {
    pub fn new(cx: &mut Context) -> Self {
        let editor = cx.new_entity();
        cx.subscribe(&editor, Self::edited).detach();
        View {
            editor,
            _subscriptions: Vec::new(),
        }
    }

    pub fn editor(&self) -> &Entity {
        &self.editor
    }

    fn edited(&mut self) {}
}
""",
            why="taken on what the view made itself: both end together",
            language="rust",
        ),
        Quiet(
            code="""\
pub struct Subscription;

impl Subscription {
    pub fn detach(self) {}
}

pub struct Entity;

pub struct Context;

impl Context {
    pub fn subscribe(&mut self, _: &Entity, _: fn(&mut View)) -> Subscription {
        Subscription
    }

    pub fn new_entity(&mut self) -> Entity {
        Entity
    }
}

pub struct View;

impl View {
    pub fn watch(&mut self, store: &Entity, cx: &mut Context) {
        cx.subscribe(store, Self::changed).detach();
    }

    fn changed(&mut self) {}
}
""",
            why="nothing says that the type keeps its subscriptions",
            language="rust",
        ),
        Quiet(
            code="""\
export class Job {
  private readonly events = new EventEmitter();

  constructor() {
    this.events.on("progress", this.show);
  }

  private readonly show = (): void => {};

  dispose(): void {
    this.log();
  }

  private log(): void {}
}
""",
            why="the emitter is the object's own, and goes with it",
            language="typescript",
        ),
        Quiet(
            code="""\
export class Banner {
  constructor(private readonly controller: AbortController) {
    window.addEventListener("load", this.show, { once: true });
    window.addEventListener("resize", this.show, { signal: controller.signal });
  }

  private readonly show = (): void => {};

  dispose(): void {
    this.controller.abort();
  }
}
""",
            why="one fires once, the other ends with its signal",
            language="typescript",
        ),
        Quiet(
            code="""\
export class Profile extends Disposable {
  constructor(private readonly users: UserService) {
    super();
    this._register(this.users.onChange(() => this.load()));
    this.users.current.pipe(take(1)).subscribe(() => this.load());
  }

  private load(): void {}
}
""",
            why="the class keeps the first, and the second ends after one value",
            language="typescript",
        ),
        Quiet(
            code="""\
import { useEffect } from "react";

export function Title({ onResize }: Props) {
  useEffect(() => {
    window.addEventListener("resize", onResize);
    return () => window.removeEventListener("resize", onResize);
  }, [onResize]);
  return null;
}
""",
            why="what the effect hands back removes it",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a registration."""
        for it in problems(facts, "listener", "never-removed"):
            listener = it.registration
            owner = f" after {it.teardown}()" if it.teardown else ""
            intent = _intent(it)
            if not intent and facts.unit.language in ("typescript", "javascript"):
                intent = _kept(it)
            refusal = (
                f"{it.teardown or 'the teardown'}() cannot name {listener.target}: keep it in a member first"
            )
            message = f"{_cut(listener.handler)} stays registered on {listener.target}{owner}"
            growth = "one object a registration × what it holds"
            yield report(it, listener.handler, message, intent, refusal, growth)
        for it in problems(facts, "listener", "dropped"):
            listener = it.registration
            message = f"nobody keeps what would end this subscription to {listener.target}"
            args = {"container": listener.owner, "what": "subscription", "keeper": it.keeper}
            title = f"keep it with {it.keeper.partition('(')[0]}()"
            kept = Intent(KEEP_HANDLE, listener.at, listener.target, title, args, (listener.statement,))
            yield report(
                it, listener.handler, message, (kept,), growth="one object a subscription × what it holds"
            )
        yield from idioms(facts, "unremoved-listener")


def _cut(handler: str) -> str:
    return handler if len(handler) <= 40 else f"{handler[:37]}..."


def _intent(it: Registered) -> tuple[Intent, ...]:
    """The removal: behind a sibling's that names the same things, or in the teardown."""
    listener = it.registration
    if listener.holds not in ("method", "self"):
        return ()
    arguments = f"{listener.key}, {listener.handler}" if listener.key else listener.handler
    line = f"{listener.target}.{listener.remove}({arguments})"
    head = listener.target.partition(".")[0]
    for removal in listener.removals:
        same = removal.target.partition(".")[0] == head and removal.method == it.teardown
        if same and removal.handler != listener.handler and removal.statement is not None:
            title = "remove it beside the others"
            sure = removal.teardown
            return (
                Intent(
                    INSERT_AFTER,
                    listener.at,
                    listener.handler,
                    title,
                    {"lines": line},
                    (removal.statement,),
                    safety="safe" if sure else "unsafe",
                    choice="" if sure else f"{removal.method}() takes it back, too, and ends nothing else",
                ),
            )
    everywhere = listener.shared and it.container is not None and it.container.this == "this"
    if (head not in ("self", "this") and not everywhere) or not it.teardown:
        return ()
    args = {"container": listener.owner, "method": it.teardown, "line": line, "after": "", "early": "yes"}
    near = everywhere or listener.target.count(".") == 1
    return (
        Intent(
            ADD_TO_TEARDOWN,
            listener.at,
            listener.handler,
            f"remove it in {it.teardown}()",
            args,
            safety="safe" if near else "unsafe",
            choice="" if near else f"{it.teardown}() then needs {listener.target} to be there",
        ),
    )


def _kept(it: Registered) -> tuple[Intent, ...]:
    """A handler that is made on the spot becomes a member, and the teardown removes it."""
    listener = it.registration
    if listener.handler_at is None or listener.holds != "throwaway" or not it.teardown:
        return ()
    args = {"container": listener.owner, "method": it.teardown, "remove": listener.remove}
    title = f"keep the handler in a member and remove it in {it.teardown}()"
    return (Intent(KEEP_CALLBACK, listener.handler_at, "", title, args, (listener.statement,)),)
