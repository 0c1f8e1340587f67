"""Repairs of Rust by their texts: what follows from one, and where there is none."""

from __future__ import annotations

import pytest

from repairbot.edits import apply
from repairbot.languages.rust.printer import PRINTER
from repairbot.lifetimes.intents import Refusal
from tests.languages.rust.writing import changed, findings, repaired

HEAD = """\
use gpui::{Context, Entity, Subscription, Task};
use std::collections::HashMap;

pub struct Store {
    servers: Entity<Servers>,
    ids: HashMap<String, u32>,
    kept: Vec<Subscription>,
}

impl Store {
"""
LISTEN = "cx.subscribe(&self.servers, Self::heard).detach();"


def store(methods: str) -> str:
    """The struct with these methods."""
    return f"{HEAD}{methods}}}\n"


def listening(head: str, callers: str = "") -> str:
    """A method that subscribes, with this head."""
    return store(f"    {head} {{\n        {LISTEN}\n    }}\n{callers}")


def test_a_subscription_is_pushed_where_self_can_be_changed_already() -> None:
    assert changed(listening("pub fn listen(&mut self, cx: &mut Context<Self>)")) == [
        f"-{LISTEN}",
        "+self.kept.push(cx.subscribe(&self.servers, Self::heard));",
    ]


@pytest.mark.parametrize(
    ("body", "safety"),
    [
        ("let servers = self.servers.clone(); cx.subscribe(&servers, Self::heard).detach();", "safe"),
        ("if let Event::Added(server) = event { cx.subscribe(server, Self::heard).detach(); }", "unsafe"),
        ("let focus = event.origin(cx); cx.on_focus_in(&focus, Self::heard).detach();", "unsafe"),
    ],
)
def test_a_list_of_subscriptions_that_grows_with_each_event_is_a_choice(body: str, safety: str) -> None:
    method = (
        f"    pub fn on_event(&mut self, event: &Event, cx: &mut Context<Self>) {{\n        {body}\n    }}\n"
    )
    (found,) = findings(store(method))
    assert found.fix is not None
    assert found.fix.safety == safety


def test_a_private_method_and_its_callers_take_self_to_be_changed() -> None:
    callers = "\n    fn start(&self, cx: &mut Context<Self>) {\n        self.listen(cx);\n    }\n"
    assert changed(listening("fn listen(&self, cx: &mut Context<Self>)", callers)) == [
        "-fn listen(&self, cx: &mut Context<Self>) {",
        f"-{LISTEN}",
        "-fn start(&self, cx: &mut Context<Self>) {",
        "+fn listen(&mut self, cx: &mut Context<Self>) {",
        "+self.kept.push(cx.subscribe(&self.servers, Self::heard));",
        "+fn start(&mut self, cx: &mut Context<Self>) {",
    ]


@pytest.mark.parametrize(
    ("head", "callers", "why"),
    [
        (
            "pub fn listen(&self, cx: &mut Context<Self>)",
            "",
            "other files may call it with no more than that",
        ),
        (
            "fn listen(&self, cx: &mut Context<Self>)",
            "\n    pub fn start(&self, cx: &mut Context<Self>) {\n        self.listen(cx);\n    }\n",
            "other files may call it with no more than that",
        ),
        (
            "fn listen(&self, cx: &mut Context<Self>)",
            "\n    fn all(stores: &[Store], cx: &mut Context<Self>) {\n        for store in stores {\n"
            "            store.listen(cx);\n        }\n    }\n",
            "which cannot be changed there for certain",
        ),
        (
            "fn listen(&self, cx: &mut Context<Self>)",
            "\n    fn each(&mut self, cx: &mut Context<Self>) {\n        for id in self.ids.values() {\n"
            "            self.listen(cx);\n        }\n    }\n",
            "while a part of self is in use",
        ),
    ],
)
def test_a_method_stays_as_it_is_called(head: str, callers: str, why: str) -> None:
    assert why in repaired(listening(head, callers))


def loading(task: str, made: str = "ids: HashMap::new(),", tail: str = "detach") -> str:
    """A store that loads what a server has, and forgets it when the server stops."""
    return store(f"""\
    pub fn new(servers: Entity<Servers>) -> Self {{
        Self {{
            servers,
            {made}
            kept: Vec::new(),
        }}
    }}

    pub fn started(&mut self, server: String, cx: &mut Context<Self>) {{
        cx.spawn(|this, mut cx| async move {{
            let id = ask(&server).await;
            this.update(&mut cx, |this, _| {{
                this.ids.insert(server, id);
            }}){task}
        }})
        .{tail}();
    }}

    pub fn stopped(&mut self, server: &str) {{
        self.ids.remove(server);
    }}
""")


def test_a_task_is_kept_under_the_key_of_its_sibling() -> None:
    assert changed(loading(";")) == [
        "-cx.spawn(|this, mut cx| async move {",
        "-})",
        "-.detach();",
        "+tasks: HashMap<String, Task<()>>,",
        "+tasks: HashMap::new(),",
        "+let task_server = server.clone();",
        "+let task = cx.spawn(|this, mut cx| async move {",
        "+});",
        "+self.tasks.insert(task_server, task);",
        "+self.tasks.remove(server);",
    ]


def test_a_task_with_a_result_is_left() -> None:
    assert "not certain that the task has no result" in repaired(loading(".ok()"))


def test_a_member_more_needs_to_be_set_wherever_one_is_made() -> None:
    other = loading(";").replace(
        "    pub fn stopped",
        "    pub fn of(other: Store) -> Self {\n        make(other)\n    }\n\n    pub fn stopped",
    )
    assert "tasks: HashMap::new()," in repaired(other)
    unseen = loading(";", made="ids: load(),")
    assert "how an empty ids is made" in repaired(unseen)


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("0", "self.words.entry(word).or_insert(0);"),
        ("Vec::new()", "self.words.entry(word).or_default();"),
        ("make()", "self.words.entry(word).or_insert_with(|| make());"),
        ("self.make()", "needs the object"),
        ("make(&word)", "needs word, which the entry takes"),
        ("make()?", "can leave the function"),
    ],
)
def test_an_entry_is_looked_up_once(value: str, after: str) -> None:
    source = f"""\
use std::collections::HashMap;

pub struct Index {{
    words: HashMap<String, usize>,
}}

impl Index {{
    pub fn add(&mut self, word: String) -> Option<()> {{
        if !self.words.contains_key(&word) {{
            self.words.insert(word, {value});
        }}
        None
    }}
}}
"""
    assert after in repaired(source)


def test_a_type_that_is_taken_apart_gets_no_drop() -> None:
    source = """\
        use std::process::Child;

        pub struct Shell {
            process: Child,
            name: String,
        }

        pub fn name(shell: Shell) -> String {
            let Shell { name, .. } = shell;
            name
        }
        """
    assert "is taken apart" in repaired(source)


def test_a_weak_handle_needs_a_way_out_where_its_object_is_gone() -> None:
    source = """\
        use std::rc::Rc;

        pub struct Client {
            handlers: std::cell::RefCell<Vec<Box<dyn Fn() -> u32>>>,
        }

        impl Client {
            pub fn remember(self: &Rc<Self>) {
                let client = self.clone();
                self.handlers.borrow_mut().push(Box::new(move || client.count()));
            }

            fn count(&self) -> u32 {
                7
            }
        }
        """
    assert "what is to be returned when client is gone" in repaired(source)


@pytest.mark.parametrize("written", ["let Some(x) = y else {\n            return;\n        };\n        ", ""])
def test_a_handle_is_upgraded_as_the_file_does_such_things(written: str) -> None:
    source = f"""\
use std::rc::Rc;

pub struct Client {{
    handlers: std::cell::RefCell<Vec<Box<dyn Fn()>>>,
    count: std::cell::Cell<u32>,
}}

impl Client {{
    pub fn remember(self: &Rc<Self>, y: Option<u32>) {{
        {written}let client = self.clone();
        self.handlers.borrow_mut().push(Box::new(move || {{
            let count = client.count.get();
            client.count.set(count + 1);
        }}));
    }}
}}
"""
    line = (
        "let Some(client) = client.upgrade() else {" if written else "let client = match client.upgrade() {"
    )
    assert f"+{line}" in changed(source)


def test_line_ends_and_indentation_are_the_files_own() -> None:
    source = (
        listening("fn listen(&mut self, cx: &mut Context<Self>)").replace("    ", "\t").replace("\n", "\r\n")
    )
    after = repaired(source)
    assert "\t\tself.kept.push(cx.subscribe(&self.servers, Self::heard));\r\n" in after
    assert after.count("\n") == after.count("\r\n")


def test_an_intent_that_nobody_writes_is_refused() -> None:
    source = loading(";")
    intent = next(finding for finding in findings(source)).fix
    assert intent is not None
    from repairbot.lifetimes.ops import Intent
    from repairbot.model import Span

    refused = PRINTER.write(source.encode(), Intent("weak", Span(0, 1, 1, 1, 1)))
    assert isinstance(refused, Refusal)
    assert "no repair of Rust writes weak" in refused.why


def test_what_a_repair_writes_is_formatted_where_the_file_was() -> None:
    source = loading(";")
    fix = findings(source)[0].fix
    assert fix is not None
    checks = {check.name: check for check in fix.checks}
    assert checks["rustfmt"].result in ("passed", "not run")
    after = apply(source.encode(), fix.edits)
    again = {check.name: check.result for check in PRINTER.inspect(source.encode(), after, fix.edits)}
    assert "failed" not in again.values()
