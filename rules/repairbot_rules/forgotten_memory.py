"""A value that is forgotten, or made raw, and never taken back.

**What is wrong.** `mem::forget`, `into_raw` and `Box::leak` end the compiler's care for a value. What is not taken
back by hand is never dropped: memory, a file descriptor, the end of a channel whose other end goes on sending.

**Evidence.** One end of a channel is forgotten in the function that made it; or a value is made raw, is taken back
further down (`from_raw`, `from_raw_fd`), and a `return` or a `?` stands between the two.

**Repair.** The value stays owned until it is handed on; only its raw form is looked at on the way.

**Quiet** for `mem::forget` as a transfer of ownership, for raw values that are returned, stored or given to foreign
code, and for `Box::leak` in what lives as long as the program.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms


class ForgottenMemory(Rule):
    """Given up and not taken back."""

    severity = "medium"
    languages = ("rust",)
    practice = "Keep a value owned until the very place where its raw form is handed on."
    examples = (
        Repair(
            before="""\
use std::mem;
use std::sync::mpsc;

pub struct Screen {
    events: mpsc::Sender<u32>,
}

impl Screen {
    pub fn new() -> Self {
        let (events, incoming) = mpsc::channel();
        mem::forget(incoming);
        Screen { events }
    }

    pub fn draw(&self, line: u32) {
        self.events.send(line).ok();
    }
}
""",
            after=None,
            language="rust",
            why="what should happen to the events is not said anywhere",
            line=10,
        ),
        Quiet(
            code="""\
use std::mem;

pub struct Guard {
    slot: usize,
}

impl Guard {
    pub fn keep(self) -> usize {
        let slot = self.slot;
        mem::forget(self);
        slot
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        println!("slot {} is free", self.slot);
    }
}
""",
            why="the slot goes to the caller",
            language="rust",
        ),
        Quiet(
            code="""\
use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd};

pub fn reopen(file: File) -> io::Result<File> {
    file.sync_all()?;
    let fd = file.into_raw_fd();
    let again = unsafe { File::from_raw_fd(fd) };
    again.sync_all()?;
    Ok(again)
}
""",
            why="nothing can fail while it is raw",
            language="rust",
        ),
        Quiet(
            code="""\
use std::sync::OnceLock;

static NAMES: OnceLock<&'static [String]> = OnceLock::new();

pub fn names() -> &'static [String] {
    NAMES.get_or_init(|| Box::leak(vec![String::from("main")].into_boxed_slice()))
}
""",
            why="made once, and lives as long as the program",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a value."""
        yield from idioms(facts, self.id)
