"""A file of unknown size read at once.

**What is wrong.** The whole file is in memory, and again as a list of lines, where one piece at a time would do.

**Evidence.** An upload, whose size the client chooses, is read without a look at its size; or the lines of a
file are listed only to be walked once. For the second the confidence is low unless the path speaks of a log, an
export, a dump or the like.

**Repair.** Walk the file itself: the same lines in the same order. How an upload should be read piece by piece
depends on what is done with it, so that is left to the reader.

**Quiet** where the size is looked at, and where the list of lines is kept.

**Rust.** `fs::read_to_string` whose lines are walked once and nothing else, and the body of a request taken at once
without a limit anywhere in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.lifetimes.intents import STREAM_FILE
from repairbot.lifetimes.ops import Intent
from repairbot.model import Impact, Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule

_MEGABYTES = 10
"""What is read at once without a word."""


class WholeFileRead(Rule):
    """All of a file at once."""

    languages = ("python", "typescript", "javascript", "rust")
    severity = "low"
    in_tests = "low"
    practice = "Walk a file line by line or piece by piece when its size is not known."
    examples = (
        Repair(
            before="""\
def errors(log_path):
    count = 0
    with open(log_path) as source:
        for line in source.readlines():
            count += "ERROR" in line
    return count
""",
            after="""\
def errors(log_path):
    count = 0
    with open(log_path) as source:
        for line in source:
            count += "ERROR" in line
    return count
""",
            line=4,
        ),
        Repair(
            before="""\
@app.post("/upload")
async def upload(file: UploadFile):
    data = await file.read()
    return store(data)
""",
            after=None,
            why="how it should be read piece by piece depends on store()",
            line=3,
        ),
        Quiet(
            code="""\
@app.post("/upload")
async def upload(file: UploadFile):
    if file.size > LIMIT:
        raise TooLarge()
    return store(await file.read())
""",
            why="the size is looked at",
        ),
        Quiet(
            code="""\
def lines(log_path):
    with open(log_path) as source:
        found = source.readlines()
    return found
""",
            why="the list is what is wanted",
        ),
        Repair(
            before="""\
use std::fs;
use std::io;

pub fn count(log_path: &str) -> io::Result<usize> {
    let text = fs::read_to_string(log_path)?;
    let mut errors = 0;
    for line in text.lines() {
        if line.starts_with("error") {
            errors += 1;
        }
    }
    Ok(errors)
}
""",
            after=None,
            language="rust",
            line=5,
        ),
        Quiet(
            code="""\
use std::fs;
use std::io;

pub fn names(path: &str) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(path)?;
    println!("{} bytes", text.len());
    let mut found = Vec::new();
    for line in text.lines() {
        found.push(line.to_string());
    }
    Ok(found)
}
""",
            why="the text itself is looked at as well",
            language="rust",
        ),
        Repair(
            before="""import { readFile } from 'fs/promises';

export async function indexFile(absolutePath: string): Promise<string[]> {
  const content = await readFile(absolutePath, 'utf8');
  return content.split('\\n\\n');
}
""",
            after="""import { readFile, stat } from 'fs/promises';

export async function indexFile(absolutePath: string): Promise<string[]> {
  const { size } = await stat(absolutePath);
  if (size > 10 * 1024 * 1024) {
    throw new Error(`${absolutePath} has ${size} bytes: too large to be read at once`);
  }
  const content = await readFile(absolutePath, 'utf8');
  return content.split('\\n\\n');
}
""",
            language="typescript",
            unsafe=True,
        ),
        Quiet(
            """import { readFile } from 'fs/promises';

export async function loadConfig(configPath: string): Promise<unknown> {
  return JSON.parse(await readFile(configPath, 'utf8'));
}
""",
            "a configuration file is small",
            language="typescript",
        ),
        Quiet(
            code="""\
import { readFile, stat } from "node:fs/promises";

export async function loadConfig(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}

export async function indexFile(path: string): Promise<string[]> {
  const { size } = await stat(path);
  if (size > 1_000_000) {
    return [];
  }
  const content = await readFile(path, "utf8");
  return content.split("\\n");
}
""",
            why="a file of settings is small, and the other's size is looked at first",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a read."""
        for load in facts.loading:
            if load.what != "file":
                continue
            intents: tuple[Intent, ...] = ()
            refusals: tuple[str, ...] = (
                "how the upload should be read piece by piece depends on what is done with it",
            )
            message = f"{load.place} is read whole, and the client chooses its size"
            if load.detail == "lines":
                intents = (Intent(STREAM_FILE, load.at, load.place, "walk the file itself"),)
                refusals = ()
                message = f"all lines of {load.place} are listed only to be walked once"
            elif load.detail == "whole":
                megabytes = settings.bounds.get("whole-file-read", _MEGABYTES)
                choice = f"a file of more than {megabytes} MB is refused with an error instead of being read"
                args = {"bound": str(megabytes * 1024 * 1024)}
                title = "look at its size before it is read"
                intents = (
                    Intent(
                        STREAM_FILE, load.at, load.place, title, args, (load.statement,), "unsafe", choice
                    ),
                )
                refusals = ()
                message = f"{load.place} is a whole file, and nothing looks at its size"
            yield Report(
                load.at,
                load.symbol,
                load.place,
                message,
                (Step(load.at.line, "read whole here"),),
                load.evidence,
                "medium" if load.evidence else "low",
                intents=intents,
                refusals=refusals,
                impact=Impact(
                    "the size of the file", "unbounded", "one line" if load.detail == "lines" else ""
                ),
            )
