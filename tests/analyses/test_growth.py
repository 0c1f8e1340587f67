"""Growth on the text form: what is a leak, what is not, and where the bound comes from."""

from __future__ import annotations

import pytest

from repairbot.analyses import growth
from repairbot.analyses.facts import Growing, Growth
from repairbot.lifetimes import text


def facts(members: str, head: str = "Server class @1-90 lives=long") -> Growth:
    return growth.analyse(text.parse(f"container {head}\n{members}"))


def growing(members: str, head: str = "Server class @1-90 lives=long") -> Growing:
    found = facts(members, head).growing
    assert len(found) == 1, found
    return found[0]


def reported(found: Growth) -> list[str]:
    """The members reported with more than low confidence."""
    grown = [fact.member.name for fact in found.growing if fact.confidence != "low"]
    return grown + [fact.member.name for fact in found.buckets if fact.confidence != "low"]


HISTORY = """
  member events
    init __init__ @3 detail=list
    grow record @9 how=append argument=event repeats target=self.events
"""
CACHE = """
  member cache
    init __init__ @3 detail=dict
    grow look @9 how=setitem key=user_id argument=user repeats target=self.cache
"""
BY_REQUEST = """
  member found
    init __init__ @3 detail=dict
    grow answer @9 how=setitem key=request.id argument=answer repeats target=self.found
"""
PER_KEY = """
  member times
    init __init__ @3 detail="defaultdict(list)"
    grow record @9 how=append key=agent argument=t repeats depth=1 target="self.times[agent]"
"""


@pytest.mark.parametrize("members", [HISTORY, CACHE, BY_REQUEST])
def test_grows_for_ever(members: str) -> None:
    fact = growing(members)
    assert fact.confidence == "medium"
    assert fact.removal == "none"
    assert fact.bounds == ()


QUIET = {
    "emptied in the course of work": HISTORY + "    clear flush @20 how=clear repeats",
    "popped": CACHE + "    shrink expire @20 how=popitem repeats",
    "its length is checked where it grows": HISTORY + "    bound record @8 how=len argument=100 repeats",
    "cut": HISTORY + "    bound record @10 how=slice argument=:-9 repeats",
    "made anew": HISTORY + "    init swap @20 detail=list repeats",
    "removed by key": BY_REQUEST + "    shrink remove @20 how=pop key=request_id repeats",
    "a parameter, which its giver may empty": HISTORY + "    init __init__ @4 detail=parameter",
    "grows in the constructor": HISTORY.replace(" repeats", ""),
    "keys that are constants": CACHE.replace("user_id", "'last'"),
    "keys that are names": CACHE.replace("user_id", "plugin.name"),
    "a deque with a bound": HISTORY.replace("detail=list", "detail=deque")
    + "    bound __init__ @3 how=deque argument=9",
    "weak": CACHE.replace("detail=dict", "detail=WeakValueDictionary")
    + "    bound __init__ @3 how=WeakValueDictionary",
    "a registry": HISTORY.replace("member events", "member handlers").replace("grow record", "grow register"),
}  # fmt: skip


@pytest.mark.parametrize("members", QUIET.values(), ids=QUIET.keys())
def test_quiet(members: str) -> None:
    assert reported(facts(members)) == []


@pytest.mark.parametrize("lives", ["short", "local", "unknown"])
def test_quiet_where_the_owner_does_not_live_long(lives: str) -> None:
    assert reported(facts(HISTORY, f"Thing class @1-90 lives={lives}")) == []


def test_a_cache_that_somebody_has_to_clear_still_grows() -> None:
    fact = growing(
        CACHE + "    clear clear @20 how=clear repeats\n    shrink delete @22 how=del key=key repeats"
    )
    assert fact.removal == "partial"
    assert "clear(), delete()" in fact.why
    assert fact.confidence == "medium"


def test_the_readers_name_the_bound() -> None:
    fact = growing(
        PER_KEY
        + """
    read record @11 detail=key how="[]" key=agent argument=agent
    read mean @20 detail=last argument=100 key=agent depth=1
    read worst @30 detail=last argument=50 key=agent depth=1
"""
    )
    (bound,) = fact.bounds
    assert (bound.text, bound.source, bound.safe, bound.evidence.line) == ("100", "readers", True, 20)
    assert fact.per_key
    assert fact.confidence == "high"


def test_a_length_that_is_read_changes_with_the_bound() -> None:
    fact = growing(HISTORY + "    read last @20 detail=last argument=10\n    read count @22 detail=len")
    assert [(bound.text, bound.safe) for bound in fact.bounds] == [("10", False)]


def test_whoever_reads_all_of_it_names_no_bound() -> None:
    fact = growing(HISTORY + "    read last @20 detail=last argument=10\n    read show @22 detail=iterate")
    assert fact.bounds == ()


SIBLING = """
  member recent
    init __init__ @2 detail=deque argument=self.window
    bound __init__ @2 how=deque argument=self.window
    grow {method} @8 how=append argument=event repeats target=self.recent
"""


def test_a_sibling_fed_beside_it_names_the_bound() -> None:
    found = facts(SIBLING.format(method="record") + HISTORY + "    read show @22 detail=iterate")
    (fact,) = found.growing
    assert [(bound.text, bound.source, bound.safe) for bound in fact.bounds] == [
        ("self.window", "sibling", True)
    ]
    assert fact.confidence == "high"
    assert [pattern.pattern for pattern in found.safe] == ["recent is bounded"]


def test_a_sibling_fed_elsewhere_names_a_bound_for_its_like_alone() -> None:
    (fact,) = facts(SIBLING.format(method="other") + HISTORY).growing
    assert fact.bounds == ()
    (fact,) = facts(SIBLING.format(method="other").replace("recent", "history") + HISTORY).growing
    assert [bound.source for bound in fact.bounds] == ["sibling"]
    assert fact.confidence == "medium"


def test_a_bound_that_no_other_method_sees() -> None:
    (fact,) = facts(SIBLING.format(method="record").replace("self.window", "window") + HISTORY).growing
    assert [(bound.text, bound.scope) for bound in fact.bounds] == [("window", "__init__")]


def test_a_deque_fits_where_nobody_slices() -> None:
    assert growing(HISTORY + "    read last @20 detail=iterate").deque_ok
    assert not growing(HISTORY + "    read last @20 detail=slice argument=:5").deque_ok
    assert not growing(HISTORY + "    read last @20 detail=escape").deque_ok
    assert not growing(PER_KEY + "    read mean @20 detail=last argument=5 key=agent depth=1").deque_ok


def test_deques_by_key_fit_where_nobody_slices() -> None:
    shown = PER_KEY + "    read show @20 detail=all how=list key=agent depth=1"
    assert growing(shown.replace("member times", "member errors")).deque_ok
    assert not growing(shown.replace("how=list", "how===").replace("member times", "member errors")).deque_ok


def test_the_wrong_key() -> None:
    fact = growing(BY_REQUEST + "    shrink done @20 how=pop key=request repeats")
    assert fact.removal == "partial"
    assert fact.why.startswith("it is filled under request.id")
    assert fact.confidence == "high"


def test_the_end_of_a_key() -> None:
    fact = growing("""
  member hosts
    init __init__ @3 detail="defaultdict(set)"
    grow sent @9 how=add key=crawl argument=host repeats depth=1 target="self.hosts[crawl]"
    read crawl_closed @20 detail=iterate key=crawl depth=1 repeats
""")
    assert fact.ends is not None
    assert fact.ends.at.line == 20
    assert fact.confidence == "high"


def test_waiters_that_are_walked_and_kept() -> None:
    fact = growing(
        """
  member _waiters
    init __init__ @3 detail=deque
    grow acquire @9 how=append argument=waiter repeats target=self._waiters
    read release @20 detail=iterate repeats
""",
        "Semaphore class @1-90 lives=long",
    )
    assert fact.confidence == "medium"


def test_a_module_keyed_by_thread() -> None:
    fact = growing(
        """
  member seen
    init "" @3 detail=dict
    grow get @9 how=setitem key="get_ident()" argument=value repeats target=seen
""",
        '"<module>" module @1-90 lives=module',
    )
    assert fact.key == "instance"
    assert fact.confidence == "high"


def test_locks_may_be_weak() -> None:
    fact = growing("""
  member _locks
    init __init__ @3 detail=dict
    grow request @9 how=setitem key=bucket argument="lock = asyncio.Lock()" repeats target=self._locks
""")
    assert fact.weak == "WeakValueDictionary"


def test_what_is_loaded_and_saved_is_persisted() -> None:
    fact = growing("""
  member ledger
    init __init__ @3 detail=loaded argument=self._load
    grow add @9 how=append key="'entries'" argument=entry repeats depth=1 target="self.ledger['entries']"
    read save @20 detail=saved how=json.dumps repeats
""")
    assert fact.persisted
    assert fact.confidence == "medium"


BUCKET = """
  member readers
    init __init__ @3 detail="defaultdict(set)"
    grow join @9 how=add key=topic argument=reader repeats depth=1 target="self.readers[topic]"
    shrink leave @20 how=discard key=topic argument=reader repeats depth=1 target="self.readers[topic]"
"""


def test_an_empty_bucket() -> None:
    found = facts(BUCKET)
    (bucket,) = found.buckets
    assert (bucket.key, bucket.emptied.at.line, bucket.grows[0].at.line) == ("topic", 20, 9)
    assert found.growing == ()


def test_a_bucket_whose_key_goes() -> None:
    assert facts(BUCKET + "    shrink leave @22 how=del key=topic argument=topic repeats").buckets == ()
    assert facts(BUCKET + "    shrink sweep @22 how=pop key=topic argument=topic repeats").buckets == ()


SHARED = """
  member listeners
    init "" @2 detail=list how="="
    grow connect @9 how=append argument=listener repeats target=self.listeners
"""


def test_a_list_of_the_class_that_instances_feed() -> None:
    (fact,) = facts(SHARED, "Channel class @1-90").shared
    assert (fact.how, fact.confidence) == ("instances", "medium")


@pytest.mark.parametrize(
    "members",
    [
        SHARED + "    init __init__ @4 detail=list",
        SHARED.replace("target=self.listeners", "target=Channel.listeners"),
        SHARED.replace("member listeners", "member _instances"),
        SHARED + "    shrink disconnect @20 how=remove argument=listener repeats target=self.listeners",
    ],
)
def test_a_list_that_is_not_shared_by_mistake(members: str) -> None:
    assert facts(members, "Channel class @1-90").shared == ()
