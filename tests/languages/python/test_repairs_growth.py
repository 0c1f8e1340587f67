"""Repairs of what grows: hand-made intents against texts."""

from __future__ import annotations

import pytest

from repairbot.lifetimes.intents import (
    BOUND_CACHE,
    BOUND_CHANNEL,
    BOUND_DEQUE,
    DROP_EMPTY,
    PER_CALL,
    PER_INSTANCE,
    TRIM_AFTER,
    WEAK,
)
from repairbot.lifetimes.ops import Intent
from tests.languages.python.texts import span, written


def trimmed(source: str, piece: str, target: str, kind: str = "list", bound: str = "9") -> str:
    args = {"target": target, "bound": bound, "kind": kind}
    return written(source, Intent(TRIM_AFTER, span(source, piece), args=args, spans=(span(source, piece),)))


@pytest.mark.parametrize(
    ("source", "piece", "target", "kind", "after"),
    [
        (
            "class A:\n    def f(self):\n        self.x.append(x)  # why\n        return 1\n",
            "self.x.append(x)",
            "self.x",
            "list",
            "class A:\n    def f(self):\n        self.x.append(x)  # why\n        del self.x[:-9]\n        return 1\n",
        ),
        ("if a: x.append(1)\n", "x.append(1)", "x", "list", "if a:\n    x.append(1)\n    del x[:-9]\n"),
        (
            "d[k] = v\n",
            "d[k] = v",
            "d",
            "dict",
            "d[k] = v\nwhile len(d) > 9:\n    d.pop(next(iter(d)))\n",
        ),
        (
            "d[k] = v\n",
            "d[k] = v",
            "d",
            "OrderedDict",
            "d[k] = v\nwhile len(d) > 9:\n    d.popitem(last=False)\n",
        ),
        (
            "def f():\n    return x.append(1)\n",
            "return x.append(1)",
            "x",
            "list",
            "refused: it grows within a larger statement, and nothing can be put right behind it",
        ),
    ],
)
def test_trim_after(source: str, piece: str, target: str, kind: str, after: str) -> None:
    assert trimmed(source, piece, target, kind) == after


def test_every_place_of_growth_is_trimmed() -> None:
    source = "def f(x):\n    x.append(1)\n    y = x\n    y.append(2)\n"
    spans = (span(source, "x.append(1)"), span(source, "y.append(2)"))
    intent = Intent(TRIM_AFTER, spans[0], args={"target": "x\ny", "bound": "9", "kind": "list"}, spans=spans)
    after = "def f(x):\n    x.append(1)\n    del x[:-9]\n    y = x\n    y.append(2)\n    del y[:-9]\n"
    assert written(source, intent) == after


def made(source: str, do: str, value: str, **args: str) -> str:
    return written(source, Intent(do, span(source, value), args=args))


@pytest.mark.parametrize(
    ("source", "bound", "after"),
    [
        ("x = []\n", "9", "from collections import deque\n\nx = deque(maxlen=9)\n"),
        (
            "import collections\n\nx = collections.deque()\n".replace("collections.deque()", "[]"),
            "9",
            "import collections\n\nx = collections.deque(maxlen=9)\n",
        ),
        (
            "from collections import deque\n\nx: list[int] = []\n",
            "9",
            "from collections import deque\n\nx: deque[int] = deque(maxlen=9)\n",
        ),
        ("x: Sequence[int] = []\n", "9", "refused: its annotation says Sequence"),
        (
            "class A:\n    def __init__(self):\n        self.x = []\n        self.n = 1\n",
            "self.n",
            "refused: self.n is not set yet where the collection is made",
        ),
    ],
)
def test_bound_deque(source: str, bound: str, after: str) -> None:
    assert made(source, BOUND_DEQUE, "[]", bound=bound) == after


def test_a_filled_list_is_no_deque() -> None:
    assert made("x = [1]\n", BOUND_DEQUE, "[1]", bound="9") == "refused: the collection does not start empty"


def test_weak_everywhere() -> None:
    source = "import weakref\n\nx: Dict[int, A] = {}\n\ndef f():\n    global x\n    x = dict()\n"
    first, second = span(source, "{}"), span(source, "dict()")
    intent = Intent(WEAK, first, args={"type": "WeakValueDictionary"}, spans=(second,))
    assert written(source, intent) == (
        "import weakref\n\nx: weakref.WeakValueDictionary[int, A] = weakref.WeakValueDictionary()\n\n"
        "def f():\n    global x\n    x = weakref.WeakValueDictionary()\n"
    )


@pytest.mark.parametrize(
    ("decorator", "head", "after"),
    [
        ("functools.cache", "import functools", "functools.lru_cache(maxsize=9)"),
        ("lru_cache(maxsize=None)", "from functools import lru_cache", "lru_cache(maxsize=9)"),
        ("lru_cache(None)", "from functools import lru_cache", "lru_cache(9)"),
        (
            "lru_cache(maxsize=None, typed=True)",
            "from functools import lru_cache",
            "lru_cache(maxsize=9, typed=True)",
        ),
    ],
)
def test_bound_cache(decorator: str, head: str, after: str) -> None:
    source = f"{head}\n\n\nclass A:\n    @{decorator}\n    def f(self): ...\n"
    assert made(source, BOUND_CACHE, decorator, bound="9") == source.replace(decorator, after)


def test_bound_channel() -> None:
    assert made("q = asyncio.Queue()\n", BOUND_CHANNEL, "asyncio.Queue()", bound="9", keyword="maxsize") == (
        "q = asyncio.Queue(maxsize=9)\n"
    )
    assert made("q = Queue(loop=x)\n", BOUND_CHANNEL, "Queue(loop=x)", bound="9", keyword="maxsize") == (
        "refused: the queue is made with arguments of its own"
    )


def dropped(source: str, piece: str, bucket: str, container: str = "", key: str = "") -> str:
    args = {"bucket": bucket, "container": container, "key": key}
    return written(source, Intent(DROP_EMPTY, span(source, piece), args=args, spans=(span(source, piece),)))


def test_drop_empty() -> None:
    source = "def f(d, k, v):\n    bucket = d[k]\n    bucket.discard(v)\n    return v\n"
    after = source.replace("(v)\n", "(v)\n    if not bucket:\n        del d[k]\n")
    assert dropped(source, "bucket.discard(v)", "bucket", "d", "k") == after
    assert (
        dropped(source, "bucket.discard(v)", "bucket")
        == "refused: the key of the emptied bucket has no name here"
    )


def test_drop_empty_while_walking() -> None:
    source = "for k, b in d.items():\n    b.discard(v)\n"
    assert dropped(source, "b.discard(v)", "b") == (
        "for k, b in list(d.items()):\n    b.discard(v)\n    if not b:\n        del d[k]\n"
    )
    taken = "key = 1\nfor b in list(d.values()):\n    try:\n        b.remove(v)\n    except KeyError:\n        pass\n"
    assert dropped(taken, "b.remove(v)", "b") == (
        "key = 1\nfor key_2, b in list(d.items()):\n    try:\n        b.remove(v)\n        if not b:\n"
        "            del d[key_2]\n    except KeyError:\n        pass\n"
    )


INSTANCE = '''\
class A(B):
    """Docstring."""

    x = []

    def __init__(self):
        """Make."""
        super().__init__()
        self.y = 1
'''


def test_per_instance() -> None:
    after = INSTANCE.replace("    x = []\n\n", "").replace(
        "__init__()\n", "__init__()\n        self.x = []\n"
    )
    got = written(
        INSTANCE, Intent(PER_INSTANCE, span(INSTANCE, "[]"), args={"member": "x", "container": "A"})
    )
    assert got.replace("\n\n\n", "\n\n") == after


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("class A:\n    x = []\n", "the class has no constructor of its own"),
        (
            "class A:\n    x = []\n\n    def __init__(self):\n        self.__dict__.update(y=1)\n",
            "attributes of this class are set in a way of its own",
        ),
    ],
)
def test_per_instance_refuses(source: str, why: str) -> None:
    intent = Intent(PER_INSTANCE, span(source, "[]"), args={"member": "x", "container": "A"})
    assert written(source, intent) == f"refused: {why}"


def test_per_call() -> None:
    source = "def f(a, b={}):\n    # about b\n    b[a] = 1\n    return b\n"
    after = (
        "def f(a, b=None):\n    # about b\n    if b is None:\n        b = {}\n    b[a] = 1\n    return b\n"
    )
    assert made(source, PER_CALL, "{}", name="b", function="f") == after
