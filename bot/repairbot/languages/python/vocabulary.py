"""The methods and functions by which Python's collections grow, shrink and are read."""

from __future__ import annotations

from typing import Final

GROWS: Final = frozenset(
    "append appendleft add insert extend extendleft update setdefault put put_nowait push __setitem__ "
    "heappush insort insort_left insort_right".split()
)
SHRINKS: Final = frozenset(
    "pop popleft popitem remove discard difference_update intersection_update get_nowait __delitem__ "
    "move_to_pop expire evict purge prune trim".split()
)
READS: Final = {
    "items": "iterate",
    "values": "iterate",
    "keys": "iterate",
    "copy": "all",
    "index": "all",
    "count": "all",
    "most_common": "all",
    "elements": "all",
    "union": "all",
    "intersection": "all",
    "difference": "all",
    "issubset": "all",
    "issuperset": "all",
    "isdisjoint": "all",
    "__contains__": "key",
    "__getitem__": "key",
    "__len__": "len",
    "sort": "sort",
    "reverse": "sort",
    "move_to_end": "key",
    "qsize": "len",
    "empty": "len",
    "join": "all",
}
CONSUMERS: Final = frozenset(
    "list tuple sorted sum min max any all iter reversed set frozenset dict str repr bool isinstance id print "
    "map filter zip enumerate next type hash format copy.copy copy.deepcopy statistics.mean statistics.median "
    "statistics.stdev random.choice random.sample pprint Counter mean median cast typing.cast".split()
)
"""Functions that read what they are given and keep nothing of it."""
SAVERS: Final = (
    "json.dump",
    "json.dumps",
    "pickle.dump",
    "pickle.dumps",
    "yaml.dump",
    "yaml.safe_dump",
    "toml.dump",
)
"""Functions that write a value out."""
HEAP_GROWS: Final = {"heappush": 1, "insort": 1, "insort_left": 1, "insort_right": 1}
HEAP_SHRINKS: Final = frozenset(("heappop", "heapreplace", "heappushpop"))
