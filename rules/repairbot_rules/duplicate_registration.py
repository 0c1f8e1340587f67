"""Registered again at every call, and the registry keeps each one.

**What is wrong.** A logger is one for the whole process. A function that adds a handler to it each time it is
called makes every message appear once more, and keeps one more handler, and its file, open.

**Evidence.** The handler is made in the call, the target is shared by the process, nothing in the function
looks whether one is there, nothing removes it. The function gives the logger out, so it is called again and
again; or a constructor does it, for each object.

**Repair.** Add it when there is none yet. What a later call asks for is then not added: that is a choice.

**Quiet** for code at module level, behind a check of `handlers`, beside a removal, and in functions that are
cached.

**Rust.** An entry of a map is overwritten, and where an entry is removed something is undone that it stood for
(tools unregistered, a token cancelled): the overwritten one stays registered. The same is done with what `insert`
gives back. Quiet where the function looks at the entry first.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Registered
from repairbot.lifetimes.intents import REGISTER_ONCE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms, problems, report


class DuplicateRegistration(Rule):
    """One more at each call."""

    languages = ("python", "typescript", "javascript", "rust")
    practice = "Look whether a shared registry has the entry before adding one."
    examples = (
        Repair(
            before="""\
import logging


def get_logger(name, path):
    logger = logging.getLogger(name)
    handler = logging.FileHandler(path)
    logger.addHandler(handler)
    return logger
""",
            after="""\
import logging


def get_logger(name, path):
    logger = logging.getLogger(name)
    if not logger.handlers:
        handler = logging.FileHandler(path)
        logger.addHandler(handler)
    return logger
""",
            unsafe=True,
            line=7,
        ),
        Quiet(
            code="""\
import logging


def get_logger(name):
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
    return logger
""",
            why="it looks first",
        ),
        Quiet(
            code="""\
import logging

logger = logging.getLogger(__name__)
logger.addHandler(logging.NullHandler())
""",
            why="once, when the module is imported",
        ),
        Repair(
            before="""\
use std::collections::HashMap;

#[derive(Default)]
pub struct Registry(Vec<u32>);

impl Registry {
    pub fn insert(&mut self, name: u32) -> u32 {
        self.0.push(name);
        name
    }

    pub fn remove(&mut self, ids: &[u32]) {
        self.0.retain(|id| !ids.contains(id));
    }
}

#[derive(Default)]
pub struct Store {
    commands: Registry,
    command_ids: HashMap<String, Vec<u32>>,
}

impl Store {
    pub fn started(&mut self, server: String, names: Vec<u32>) {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.commands.insert(name));
        }
        self.command_ids.insert(server, ids);
    }

    pub fn stopped(&mut self, server: &str) {
        if let Some(ids) = self.command_ids.remove(server) {
            self.commands.remove(&ids);
        }
    }
}

#[test]
fn what_a_restart_registers_takes_the_place_of_the_old() {
    let mut store = Store::default();
    store.started("a".into(), vec![1, 2]);
    store.started("a".into(), vec![3]);
    assert_eq!(store.commands.0, [3]);
}
""",
            after="""\
use std::collections::HashMap;

#[derive(Default)]
pub struct Registry(Vec<u32>);

impl Registry {
    pub fn insert(&mut self, name: u32) -> u32 {
        self.0.push(name);
        name
    }

    pub fn remove(&mut self, ids: &[u32]) {
        self.0.retain(|id| !ids.contains(id));
    }
}

#[derive(Default)]
pub struct Store {
    commands: Registry,
    command_ids: HashMap<String, Vec<u32>>,
}

impl Store {
    pub fn started(&mut self, server: String, names: Vec<u32>) {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.commands.insert(name));
        }
        if let Some(old_ids) = self.command_ids.insert(server, ids) {
            self.commands.remove(&old_ids);
        }
    }

    pub fn stopped(&mut self, server: &str) {
        if let Some(ids) = self.command_ids.remove(server) {
            self.commands.remove(&ids);
        }
    }
}

#[test]
fn what_a_restart_registers_takes_the_place_of_the_old() {
    let mut store = Store::default();
    store.started("a".into(), vec![1, 2]);
    store.started("a".into(), vec![3]);
    assert_eq!(store.commands.0, [3]);
}
""",
            language="rust",
        ),
        Repair(
            before="""import { createServer } from 'net';
import { log } from './log';

const server = createServer();

server.on('connection', (socket) => {
  process.on('SIGTERM', report);
  socket.end();
});

function report(): void {
  log('ending');
}
""",
            after="""import { createServer } from 'net';
import { log } from './log';

const server = createServer();

server.on('connection', (socket) => {
  if (!process.listeners('SIGTERM').includes(report)) {
    process.on('SIGTERM', report);
  }
  socket.end();
});

function report(): void {
  log('ending');
}
""",
            language="typescript",
        ),
        Repair(
            before="""import { createServer } from 'net';
import { bus } from './bus';

createServer((socket) => socket.end()).on('connection', (socket) => {
  bus.on('news', (line) => socket.write(line));
});
""",
            after=None,
            language="typescript",
            why="a handler that is made on the spot cannot be looked for",
        ),
        Quiet(
            """import { createServer } from 'net';

process.on('SIGTERM', report);

createServer().on('connection', (socket) => {
  socket.on('end', report);
});

function report(): void {}
""",
            "once for the process; and once for each socket, which goes with it",
            language="typescript",
        ),
        Quiet(
            code="""\
use std::collections::HashMap;

pub struct Tools(Vec<u32>);

impl Tools {
    pub fn remove(&mut self, id: &u32) {
        self.0.retain(|each| each != id);
    }
}

pub struct Servers {
    tools: Tools,
    ids: HashMap<String, u32>,
}

impl Servers {
    pub fn started(&mut self, name: String, id: u32) {
        self.stopped(&name);
        if let Some(old) = self.ids.insert(name, id) {
            self.tools.remove(&old);
        }
    }

    pub fn stopped(&mut self, name: &str) {
        if let Some(id) = self.ids.remove(name) {
            self.tools.remove(&id);
        }
    }
}
""",
            why="what the old entry stood for is taken back",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a registration."""
        yield from idioms(facts, self.id)
        for it in problems(facts, "listener", "duplicate"):
            listener = it.registration
            target = listener.call.rpartition(".")[0]
            args = {"test": f"not {target}.handlers", "made": listener.handler}
            intents: tuple[Intent, ...] = ()
            if facts.unit.language in ("typescript", "javascript"):
                yield _handler(it)
                continue
            if target.isidentifier():
                intents = (
                    Intent(
                        REGISTER_ONCE,
                        listener.at,
                        target,
                        "add it when there is none yet",
                        args,
                        (listener.statement,),
                        "unsafe",
                        f"once {target} has a handler, later calls add none, whatever they ask for",
                    ),
                )
            message = f"each call of {listener.method}() adds one more handler to {target}, which is shared"
            refusal = "where the check should stand is not clear"
            yield report(
                it, target, message, intents, refusal, "one handler a call, and every message once more"
            )


def _handler(it: Registered) -> Report:
    """One handler more for each event; a handler with a name can be looked for."""
    listener = it.registration
    intents: tuple[Intent, ...] = ()
    if listener.handler.isidentifier():
        args = {"test": f"!{listener.target}.listeners({listener.key}).includes({listener.handler})"}
        title = "add it when it is not there yet"
        intents = (Intent(REGISTER_ONCE, listener.at, listener.target, title, args, (listener.statement,)),)
    message = (
        f"each call adds {listener.handler if intents else 'one more handler'} to {listener.target} once more"
    )
    refusal = "what is made on the spot cannot be looked for: give it a name, and remove it at the end"
    return report(it, listener.target, message, intents, refusal, "one handler a call × what it holds")
