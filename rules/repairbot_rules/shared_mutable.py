"""One list for all, filled as if each had its own.

**What is wrong.** A list in a class body is one list for all instances: what each adds through `self` stays for
ever, and the others see it. The same holds for a default argument, and for `+=` on a local name for a list that
a table holds: it changes the table.

**Evidence.** The class makes an empty list, no instance makes its own, and a method adds to it through `self`.
Or a parameter's default is an empty list or dict that the body adds to. Or a name for (an entry of) a table
gets `+=`.

**Repair.** The list is made in the constructor; the default becomes `None` and is made in the call; the sum
becomes a new list.

**Quiet** when the name says that it is shared on purpose (a cache, a registry, the instances), when it is read
or filled through the class, and when entries are removed.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts, Shared
from repairbot.lifetimes.intents import PER_INSTANCE, REPLACE_ARGUMENT
from repairbot.lifetimes.ops import Intent
from repairbot.model import Impact, Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule
from repairbot_rules._growing import of_idiom


def _report(fact: Shared) -> Report:
    event, name = fact.grows[0], fact.member.name
    inside = fact.container.kind == "class"
    symbol = f"{fact.container.name}.{event.method}" if inside else event.method
    if fact.how == "instances":
        message = f"{name} is one {fact.made.detail} for all instances of {fact.container.name}, and each adds to it"
        intent = Intent(
            PER_INSTANCE,
            fact.made.at,
            f"self.{name}",
            f"make {name} in the constructor",
            {"member": name, "container": fact.container.name},
            safety="unsafe",
            choice="Each instance gets its own; code that counts on one for all no longer sees the others' entries.",
        )
    else:
        message = f"+= changes the list that {name} holds, again with every call"
        intent = Intent(
            REPLACE_ARGUMENT,
            event.at,
            name,
            "a new list instead",
            {"text": f"{event.target} = [*{event.target}, *{event.argument}]", "import": ""},
            why="the table stays as it was written",
        )
    return Report(
        at=event.at,
        symbol=symbol,
        variable=f"{fact.container.name}.{name}" if inside else name,
        message=message,
        witness=(Step(fact.made.at.line, "made once"), Step(event.at.line, "added to here")),
        evidence=fact.evidence,
        confidence=fact.confidence,
        intents=(intent,),
        impact=Impact(f"one entry a call of {event.method}()", "unbounded", "what one instance adds"),
    )


class SharedMutable(Rule):
    """One list for all."""

    practice = "What an instance fills is made in its constructor."
    examples = (
        Repair(
            before="""\
class Channel:
    listeners = []

    def __init__(self, name):
        self.name = name

    def connect(self, listener):
        self.listeners.append(listener)

    def send(self, message):
        for listener in self.listeners:
            listener(message)
""",
            after="""\
class Channel:
    def __init__(self, name):
        self.listeners = []
        self.name = name

    def connect(self, listener):
        self.listeners.append(listener)

    def send(self, message):
        for listener in self.listeners:
            listener(message)
""",
            unsafe=True,
            line=8,
        ),
        Repair(
            before="""\
def collect(rows, found=[]):
    \"\"\"What is worth keeping.\"\"\"
    for row in rows:
        found.append(row)
    return found
""",
            after="""\
def collect(rows, found=None):
    \"\"\"What is worth keeping.\"\"\"
    if found is None:
        found = []
    for row in rows:
        found.append(row)
    return found
""",
            line=1,
        ),
        Repair(
            before="""\
COLUMNS = {"short": ["id", "name"]}


def columns(kind, extra):
    chosen = COLUMNS.get(kind)
    chosen += extra
    return chosen
""",
            after="""\
COLUMNS = {"short": ["id", "name"]}


def columns(kind, extra):
    chosen = COLUMNS.get(kind)
    chosen = [*chosen, *extra]
    return chosen
""",
            line=6,
        ),
        Quiet(
            code="""\
LINES = [b"HTTP/1.1 %d" % status for status in range(600)]


def head(status, fields):
    text = LINES[status]
    for name, value in fields:
        text += b"%b: %b" % (name, value)
    return text
""",
            why="bytes cannot change: each += makes new ones",
        ),
        Quiet(
            code="""\
def walk(places):
    def again(place, m={}):
        if place in m:
            return True
        m[place] = True
        return False

    return [place for place in places if not again(place)]
""",
            why="it looks up what earlier calls left: the default is its memory",
        ),
        Quiet(
            code="""\
class Channel:
    _instances = []

    def __init__(self):
        self._instances.append(self)
""",
            why="its name says that it is shared",
        ),
        Quiet(
            code="""\
class Channel:
    listeners = []

    def __init__(self):
        self.listeners = []

    def connect(self, listener):
        self.listeners.append(listener)
""",
            why="each instance makes its own",
        ),
        Quiet(
            code="""\
class Channel:
    listeners = []

    def connect(self, listener):
        Channel.listeners.append(listener)
""",
            why="filled through the class",
        ),
        Quiet(
            code="""\
def collect(rows, found=[]):
    found = list(found)
    found.append(rows)
    return found
""",
            why="a copy is made first",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a list."""
        for fact in facts.growth.shared:
            yield _report(fact)
        for idiom in facts.unit.idioms:
            if idiom.name == self.id:
                yield of_idiom(idiom, settings)
