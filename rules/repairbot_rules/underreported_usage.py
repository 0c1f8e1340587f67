"""A total that counts the last element only, where a cumulative figure exists.

**What is wrong.** No memory is lost: what is lost is the sight of it. A total that reads the last element reports a
fraction of what was used, and limits and warnings that stand on it come too late.

**Evidence.** The method calls itself a total, reads the last element (itself, or through a method that says so), and
the type has a cumulative member for the same thing that the method does not look at.

**Repair.** The cumulative member. It counts more than before, so the choice is the reader's.

**Quiet** without such a member, and for methods that say that they mean the last one.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._registered import idioms


class UnderreportedUsage(Rule):
    """A total of the last element."""

    severity = "low"
    languages = ("rust",)
    practice = "Let a total read the figure that is counted up, not the last entry."
    examples = (
        Repair(
            before="""\
pub struct Meter {
    requests: Vec<u64>,
    cumulative_bytes: u64,
}

impl Meter {
    pub fn record(&mut self, bytes: u64) {
        self.requests.push(bytes);
        self.cumulative_bytes += bytes;
    }

    pub fn total_bytes(&self) -> u64 {
        self.requests.last().copied().unwrap_or_default()
    }
}

#[test]
fn every_request_counts() {
    let mut meter = Meter {
        requests: Vec::new(),
        cumulative_bytes: 0,
    };
    meter.record(3);
    meter.record(4);
    assert_eq!(meter.total_bytes(), 7);
}
""",
            after="""\
pub struct Meter {
    requests: Vec<u64>,
    cumulative_bytes: u64,
}

impl Meter {
    pub fn record(&mut self, bytes: u64) {
        self.requests.push(bytes);
        self.cumulative_bytes += bytes;
    }

    pub fn total_bytes(&self) -> u64 {
        self.cumulative_bytes
    }
}

#[test]
fn every_request_counts() {
    let mut meter = Meter {
        requests: Vec::new(),
        cumulative_bytes: 0,
    };
    meter.record(3);
    meter.record(4);
    assert_eq!(meter.total_bytes(), 7);
}
""",
            language="rust",
            unsafe=True,
            line=12,
        ),
        Quiet(
            code="""\
pub struct Meter {
    requests: Vec<u64>,
    cumulative_bytes: u64,
}

impl Meter {
    pub fn record(&mut self, bytes: u64) {
        self.requests.push(bytes);
        self.cumulative_bytes += bytes;
    }

    pub fn last_bytes(&self) -> u64 {
        self.requests.last().copied().unwrap_or_default()
    }

    pub fn total_bytes(&self) -> u64 {
        self.cumulative_bytes
    }
}
""",
            why="it says that it means the last one",
            language="rust",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a method."""
        yield from idioms(facts, self.id)
