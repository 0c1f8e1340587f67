"""A map is searched for a key, and searched again to insert it.

**What is wrong.** `if !map.contains_key(&k) { map.insert(k, v); }` hashes and compares the key twice, and between the
two lines nothing holds the place: where the map is shared the second may overwrite what came in between.

**Evidence.** Both name the same map and the same key, and the block does nothing else with the map.

**Repair.** The entry API: one look, and the vacant entry takes the value.

**Quiet** when the block waits for something, uses the map otherwise, or the value is looked at in an `else`.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms


class CheckThenInsert(Rule):
    """Looked up twice."""

    severity = "low"
    languages = ("rust",)
    practice = "Ask a map once: `map.entry(key).or_insert_with(...)`."
    examples = (
        Repair(
            before="""\
use std::collections::HashMap;

pub fn open(pages: &mut HashMap<u32, String>, number: u32) {
    if !pages.contains_key(&number) {
        pages.insert(number, read(number));
    }
}

fn read(number: u32) -> String {
    format!("page {number}")
}
""",
            after="""\
use std::collections::HashMap;

pub fn open(pages: &mut HashMap<u32, String>, number: u32) {
    pages.entry(number).or_insert_with(|| read(number));
}

fn read(number: u32) -> String {
    format!("page {number}")
}
""",
            language="rust",
            line=4,
        ),
        Quiet(
            code="""\
use std::collections::HashMap;

pub fn open(pages: &mut HashMap<u32, String>, number: u32) {
    if !pages.contains_key(&number) {
        pages.clear();
        pages.insert(number, String::new());
    }
}
""",
            why="the map changes in between",
            language="rust",
        ),
        Quiet(
            code="""\
use std::collections::HashMap;

pub fn open(pages: &mut HashMap<u32, String>, number: u32) {
    pages.entry(number).or_default();
}
""",
            why="one look",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a place."""
        yield from idioms(facts, self.id)
