"""A pull request's life: opened, pushed five times (once with force), answered, dismissed. And lives at random."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from repairbot.config import ReviewSettings
from repairbot.github.markers import identify, read
from repairbot.github.model import Thread
from tests.github.page import Page, accepted, suggestions

BASE = "import json\nimport sqlite3\n\n\ndef name():\n    return 1\n"


def leaky(name: str) -> str:
    return (
        f"\n\ndef {name}(path, parse):\n    {name}_file = open(path)\n    tree = parse({name}_file.read())\n"
        f"    {name}_file.close()\n    return tree\n"
    )


def tight(name: str) -> str:
    return (
        f"\n\ndef {name}(path, parse):\n    with open(path) as {name}_file:\n"
        f"        tree = parse({name}_file.read())\n    return tree\n"
    )


def variable(thread: Thread) -> str:
    """What the thread speaks of: the name in its first line."""
    return thread.comments[0].body.split("`")[1].removesuffix("_file")


def by_name(page: Page, name: str) -> Thread:
    (thread,) = [thread for thread in page.open if variable(thread) == name]
    return thread


def names(page: Page) -> list[str]:
    return sorted(variable(thread) for thread in page.open)


def head(*parts: str, more: str = "") -> dict[str, bytes]:
    return {"a.py": (BASE + "".join(parts)).encode(), **({"b.py": more.encode()} if more else {})}


def holds(page: Page) -> None:
    """What must hold after every run."""
    assert len(page.reports) <= 1
    marks = [read(thread.comments[0]) for thread in page.open]
    open_ids = [name for mark in marks if mark and mark.state == "open" for name in mark.ids]
    assert len(open_ids) == len(set(open_ids)), "a duplicate"
    for thread in page.open:
        body = thread.comments[0].body
        if suggestions(body):
            assert not thread.outdated
            after = accepted(page.head[thread.path], thread, body)
            compile(after, thread.path, "exec")


def test_opened_and_pushed_five_times() -> None:
    page = Page({"a.py": BASE.encode()})
    told: list[list[str]] = []

    def run() -> None:
        told.append([type(step).__name__ for step in page.run().steps])
        holds(page)

    # Opened: three leaks.
    page.push(head(leaky("one"), leaky("two"), leaky("three")))
    run()
    assert names(page) == ["one", "three", "two"]
    first_report = page.reports[0].id

    # A person answers one thread and dismisses another.
    answered, dismissed = by_name(page, "two"), by_name(page, "three")
    page.reply(answered, "Are you sure? The caller closes it.", trusted=False)
    page.resolve(dismissed)

    # 1: the first is fixed as suggested, a fourth comes.
    one = by_name(page, "one")
    suggested = accepted(page.head["a.py"], one, one.comments[0].body).decode()
    assert suggested == BASE + tight("one") + leaky("two") + leaky("three")
    page.push({"a.py": (suggested + leaky("four")).encode()})
    run()
    assert names(page) == ["four", "two"]

    # 2: everything moves down, and a second file comes.
    page.push(
        head(
            "\n\nx = 1\n\n\ny = 2\n",
            tight("one"),
            leaky("two"),
            leaky("three"),
            leaky("four"),
            more=leaky("five"),
        )
    )
    run()
    assert names(page) == ["five", "four", "two"]

    # 3, forced: all of it rewritten on top of something else, the functions in another order.
    page.push(
        head(
            leaky("four"),
            "\n\nz = 3\n",
            leaky("three"),
            leaky("two"),
            tight("one"),
            more="import os\n" + leaky("five"),
        )
    )
    run()
    assert names(page) == ["five", "four", "two"]

    # 4: what was answered is fixed; that thread stays open, and says so.
    page.push(head(leaky("four"), leaky("three"), tight("two"), tight("one"), more=leaky("five")))
    run()
    assert names(page) == ["five", "four", "two"]
    assert "Gone as of" in by_name(page, "two").comments[0].body
    assert by_name(page, "two").comments[1].body == "Are you sure? The caller closes it."

    # 5: the rest is fixed.
    page.push(head(tight("four"), leaky("three"), tight("two"), tight("one"), more=tight("five")))
    run()

    # In the end: one report, no duplicate, nothing stale unresolved, nothing human removed.
    assert [report.id for report in page.reports] == [first_report]
    assert "nothing left" in page.reports[0].body
    assert "1 dismissed" in page.reports[0].body
    assert names(page) == ["two"]
    assert [len(thread.comments) for thread in page.threads if thread.id == answered.id] == [2]
    (three,) = [thread for thread in page.threads if thread.id == dismissed.id]
    assert (three.resolved_by, three.resolved_by_us) == ("someone", False)
    assert page.check is not None
    assert page.check.conclusion == "success"

    # And a run over the same head again writes nothing on the page.
    run()
    assert told[-1] == ["PostCheckRun"]
    assert sum(name == "CreateReport" for steps in told for name in steps) == 1


PARTS = ("one", "two", "three", "four")
VERSIONS = st.lists(
    st.tuples(
        st.permutations(PARTS),
        st.fixed_dictionaries({name: st.sampled_from(("leaky", "tight", "gone")) for name in PARTS}),
        st.integers(0, 8),
        st.sampled_from(("", "reply", "resolve", "command", "refuse")),
        st.sampled_from(("", "", "one", "one two", "two three four")),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(VERSIONS, st.sampled_from((2, 10)))
def test_lives_at_random(versions: list[tuple[list[str], dict[str, str], int, str, str]], most: int) -> None:
    page = Page({"a.py": BASE.encode()}, settings=ReviewSettings(max_comments=most))
    silenced: set[str] = set()
    human: set[str] = set()
    for order, states, moved, deed, other in versions:
        parts = {n: leaky(n) if states[n] == "leaky" else tight(n) for n in order if states[n] != "gone"}
        there = "".join(text for name, text in parts.items() if name in other.split())
        here = "".join(text for name, text in parts.items() if name not in other.split())
        page.push(head("\nx = 1\n" * moved, here, more=there))
        page.may_resolve = deed != "refuse"
        made = page.run()
        holds(page)
        leaks = {name for name in PARTS if states[name] == "leaky"}
        said = {finding.variable.removesuffix("_file") for finding in made.commented}
        listed = {finding.variable.removesuffix("_file") for finding in made.listed}
        assert said | listed | {f.variable.removesuffix("_file") for f in made.dismissed} == leaks
        assert not said & silenced
        # What stands open is there, or a person wrote in it.
        for thread in page.open:
            assert variable(thread) in leaks or thread.id in human
        # One that comes back in a thread that a person wrote in is said there, also over the limit.
        assert len(said) <= most + len(human)
        # Another run of the same says nothing.
        before = (page.threads, page.comments)
        page.run()
        assert (page.threads, page.comments) == before
        standing = [t for t in page.open if (mark := read(t.comments[0])) and mark.state == "open"]
        if standing and deed == "reply":
            page.reply(standing[0], "hm", trusted=False)
            human.add(standing[0].id)
        elif standing and deed in ("resolve", "command"):
            if deed == "resolve":
                page.resolve(standing[0])
            else:
                page.reply(standing[0], "/repairbot dismiss")
            page.run()
            silenced.add(variable(standing[0]))
        people = [comment for thread in page.threads for comment in thread.comments if not comment.ours]
        assert len(people) == len({c.id for c in people})


def test_identities_of_the_scenario_differ() -> None:
    page = Page({"a.py": BASE.encode()})
    page.push(head(*(leaky(name) for name in PARTS)))
    found = [identify(finding) for file in page.look().audit.files for finding in file.findings]
    assert len(found) == len(set(found)) == len(PARTS)
