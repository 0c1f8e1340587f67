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
use std::cell::Cell;
use std::rc::Rc;

pub struct Job(pub Rc<Cell<u32>>);

impl Drop for Job {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

pub fn start(job: Job, ready: bool) -> Option<Job> {
    let raw = Box::into_raw(Box::new(job));
    if !ready {
        return None;
    }
    Some(*unsafe { Box::from_raw(raw) })
}

#[test]
fn a_job_that_did_not_start_is_dropped() {
    let dropped = Rc::new(Cell::new(0));
    start(Job(dropped.clone()), false);
    assert_eq!(dropped.get(), 1);
}
""",
            after="""\
use std::cell::Cell;
use std::rc::Rc;

pub struct Job(pub Rc<Cell<u32>>);

impl Drop for Job {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

pub fn start(job: Job, ready: bool) -> Option<Job> {
    let raw = Box::into_raw(Box::new(job));
    if !ready {
        drop(unsafe { Box::from_raw(raw) });
        return None;
    }
    Some(*unsafe { Box::from_raw(raw) })
}

#[test]
fn a_job_that_did_not_start_is_dropped() {
    let dropped = Rc::new(Cell::new(0));
    start(Job(dropped.clone()), false);
    assert_eq!(dropped.get(), 1);
}
""",
            language="rust",
        ),
        Repair(
            before="""\
use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::io::{FromRawFd, IntoRawFd};

pub fn quiet(file: File) -> Result<File> {
    let fd = file.into_raw_fd();
    if unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) } == -1 {
        return Err(Error::last_os_error());
    }
    Ok(unsafe { File::from_raw_fd(fd) })
}

#[test]
fn the_file_is_closed_when_it_cannot_be_set() {
    let path = std::ffi::CString::new("/dev/null").unwrap();
    let file = unsafe { File::from_raw_fd(libc::open(path.as_ptr(), libc::O_RDONLY)) };
    assert!(quiet(file).is_err());
    assert_eq!(libc::open_descriptors(), 0);
}
""",
            after="""\
use std::fs::File;
use std::io::{Error, Result};
use std::os::unix::io::{AsRawFd, FromRawFd, IntoRawFd};

pub fn quiet(file: File) -> Result<File> {
    let fd = file.as_raw_fd();
    if unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) } == -1 {
        return Err(Error::last_os_error());
    }
    Ok(unsafe { File::from_raw_fd(file.into_raw_fd()) })
}

#[test]
fn the_file_is_closed_when_it_cannot_be_set() {
    let path = std::ffi::CString::new("/dev/null").unwrap();
    let file = unsafe { File::from_raw_fd(libc::open(path.as_ptr(), libc::O_RDONLY)) };
    assert!(quiet(file).is_err());
    assert_eq!(libc::open_descriptors(), 0);
}
""",
            language="rust",
        ),
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
use std::os::unix::io::{FromRawFd, IntoRawFd};

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
thread_local! {
    static NAMES: &'static [String] = Box::leak(vec![String::from("main")].into_boxed_slice());
}

pub fn names() -> &'static [String] {
    NAMES.with(|names| *names)
}
""",
            why="made once, and lives as long as the thread",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a value."""
        yield from idioms(facts, self.id)
