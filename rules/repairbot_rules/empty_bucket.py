"""A key stays when its bucket is empty.

**What is wrong.** `d[key]` is a set or a list that is filled and emptied; its key is never removed, and so the
dict keeps one empty bucket for each key there ever was.

**Evidence.** The buckets of a member are filled in one method; another takes elements out and leaves the key;
no method removes keys (or the one that empties walks over all buckets and removes none).

**Repair.** `if not bucket: del d[key]` behind the removal.

**Quiet** when keys come from a finite set of names, when the keys are removed in the same method, and when the
whole dict is replaced or cleared in the course of work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repairbot.analyses.facts import EmptyBucket, Facts
from repairbot.lifetimes.intents import DROP_EMPTY
from repairbot.lifetimes.ops import Intent
from repairbot.model import Impact, Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule


def _intents(fact: EmptyBucket) -> tuple[Intent, ...]:
    event = fact.emptied
    if event.statement is None:
        return ()
    fill = fact.grows[0].target
    head = re.fullmatch(
        r"((?:(?:self|this)\.)?[\w#$]+)(?:\[.*\]|\??\.(?:get|setdefault)\(.*\))!?", fill, re.DOTALL
    )
    container = head[1] if head is not None and event.depth == 1 else ""
    return (
        Intent(
            DROP_EMPTY,
            event.at,
            fact.member.name,
            "delete the key with its last element",
            {"container": container, "key": event.key, "bucket": event.target},
            (event.statement,),
            safety="safe" if fact.listed is None else "unsafe",
            choice=_choice(fact),
            why="" if fact.listed else "an empty bucket means what a missing one does",
        ),
    )


def _choice(fact: EmptyBucket) -> str:
    if fact.listed is None:
        return ""
    return (
        f"{fact.listed.method}() then no longer sees keys whose bucket is empty (line {fact.listed.at.line})"
    )


class EmptyBucketRule(Rule):
    """Keys of empty buckets."""

    languages = ("python", "typescript", "javascript")
    practice = "Who takes the last element out of a bucket takes its key out, too."
    examples = (
        Repair(
            before="""\
from collections import defaultdict


class TopicServer:
    def __init__(self):
        self.readers = defaultdict(set)

    def join(self, topic_id, reader):
        self.readers[topic_id].add(reader)

    def leave(self, topic_id, reader):
        self.readers[topic_id].discard(reader)
""",
            after="""\
from collections import defaultdict


class TopicServer:
    def __init__(self):
        self.readers = defaultdict(set)

    def join(self, topic_id, reader):
        self.readers[topic_id].add(reader)

    def leave(self, topic_id, reader):
        self.readers[topic_id].discard(reader)
        if not self.readers[topic_id]:
            del self.readers[topic_id]
""",
            line=9,
        ),
        Repair(
            before="""\
from collections import defaultdict


class TopicServer:
    def __init__(self):
        self.readers = defaultdict(set)

    def join(self, topic_id, reader):
        self.readers[topic_id].add(reader)

    def gone(self, reader):
        for readers in self.readers.values():
            readers.discard(reader)
""",
            after="""\
from collections import defaultdict


class TopicServer:
    def __init__(self):
        self.readers = defaultdict(set)

    def join(self, topic_id, reader):
        self.readers[topic_id].add(reader)

    def gone(self, reader):
        for key, readers in list(self.readers.items()):
            readers.discard(reader)
            if not readers:
                del self.readers[key]
""",
            line=9,
        ),
        Repair(
            before="""\
class TopicServer:
    def __init__(self):
        self.readers = {}

    def join(self, topic_id, reader):
        self.readers.setdefault(topic_id, []).append(reader)

    def leave(self, topic_id, reader):
        self.readers[topic_id].remove(reader)

    def topics(self):
        return list(self.readers)
""",
            after="""\
class TopicServer:
    def __init__(self):
        self.readers = {}

    def join(self, topic_id, reader):
        self.readers.setdefault(topic_id, []).append(reader)

    def leave(self, topic_id, reader):
        self.readers[topic_id].remove(reader)
        if not self.readers[topic_id]:
            del self.readers[topic_id]

    def topics(self):
        return list(self.readers)
""",
            unsafe=True,
            line=6,
        ),
        Quiet(
            code="""\
from collections import defaultdict


class SlotServer:
    def __init__(self):
        self.nodes = defaultdict(list)

    def move(self, slot_id, old, new):
        self.nodes[slot_id].append(old)
        self.nodes[slot_id].remove(new)
""",
            why="one goes and another comes",
        ),
        Quiet(
            code="""\
class GroupQueue:
    def __init__(self):
        self.queue = []

    def add(self, group):
        self.queue[group.depth].append(group)

    def remove(self, group):
        self.queue[group.depth].remove(group)
""",
            why="a list's indices are no keys: deleting one would move the others",
        ),
        Quiet(
            code="""\
from collections import defaultdict


class TopicServer:
    def __init__(self):
        self.readers = defaultdict(set)

    def join(self, topic_id, reader):
        self.readers[topic_id].add(reader)

    def leave(self, topic_id, reader):
        readers = self.readers[topic_id]
        readers.discard(reader)
        if not readers:
            self.readers.pop(topic_id)
""",
            why="the key goes with its last element",
        ),
        Quiet(
            code="""\
class Levels:
    def __init__(self):
        self.levels = []

    def add(self, group):
        while group.depth >= len(self.levels):
            self.levels.append([])
        self.levels[group.depth].append(group)

    def remove(self, group):
        self.levels[group.depth].remove(group)
""",
            why="the buckets stand in a list: a place in it is no key",
        ),
        Quiet(
            code="""\
class TopicServer:
    def __init__(self):
        self.readers = {}

    def join(self, kind, reader):
        self.readers["fast" if reader.fast else "slow"].add(reader)

    def leave(self, reader):
        self.readers["fast"].discard(reader)
""",
            why="the keys are constants",
        ),
        Quiet(
            code="""\
from collections import defaultdict


class WorkServer:
    def __init__(self):
        self.started = defaultdict(set)

    def begin(self, event, now):
        self.started[event.fn].add(now)

    def end(self, event, now):
        self.started[event.fn].remove(now)
""",
            why="the program has so many functions and no more",
        ),
        Repair(
            before="""export class Rooms {
  private readonly members = new Map<string, Set<string>>();

  join(room: string, id: string): void {
    if (!this.members.has(room)) {
      this.members.set(room, new Set());
    }
    this.members.get(room)!.add(id);
  }

  leave(room: string, id: string): void {
    const ids = this.members.get(room);
    ids?.delete(id);
  }
}
""",
            after="""export class Rooms {
  private readonly members = new Map<string, Set<string>>();

  join(room: string, id: string): void {
    if (!this.members.has(room)) {
      this.members.set(room, new Set());
    }
    this.members.get(room)!.add(id);
  }

  leave(room: string, id: string): void {
    const ids = this.members.get(room);
    ids?.delete(id);
    if (ids?.size === 0) {
      this.members.delete(room);
    }
  }
}
""",
            language="typescript",
        ),
        Quiet(
            """export class Rooms {
  private readonly members = new Map<string, Set<string>>();

  join(room: string, id: string): void {
    if (!this.members.has(room)) {
      this.members.set(room, new Set());
    }
    this.members.get(room)!.add(id);
  }

  leave(room: string, id: string): void {
    const ids = this.members.get(room);
    ids?.delete(id);
    if (ids?.size === 0) {
      this.members.delete(room);
    }
  }
}
""",
            "the key goes with the last element",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a member whose buckets are emptied and kept."""
        for fact in facts.growth.buckets:
            grow, event = fact.grows[0], fact.emptied
            this = fact.container.this
            name = fact.member.name if fact.container.kind == "module" else f"{this}.{fact.member.name}"
            method = (
                grow.method if fact.container.kind == "module" else f"{fact.container.name}.{grow.method}"
            )
            yield Report(
                at=grow.at,
                symbol=method,
                variable=name,
                message=f"{name} keeps a key for every bucket that {event.method}() has emptied",
                witness=(
                    Step(grow.at.line, "a bucket is filled here"),
                    Step(event.at.line, f"and emptied in {event.method}(); its key stays"),
                ),
                evidence=fact.evidence,
                confidence=fact.confidence,
                intents=_intents(fact),
                refusals=() if event.statement is not None else ("the removal is no statement of its own",),
                impact=Impact("one empty bucket a key", "every key there ever was", "the keys in use"),
            )
