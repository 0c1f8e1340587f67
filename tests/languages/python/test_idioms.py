"""Idioms of retained exceptions, of closures that hold their holder, and of removals that miss."""

from __future__ import annotations

import pytest

from repairbot.languages.python.idioms import closures, exceptions, removals
from repairbot.languages.python.syntax import Module
from repairbot.lifetimes.ops import Idiom


def module(source: str) -> Module:
    return Module(source.encode(), "service.py")


# Exceptions


def stored(statement: str, *, rest: str = "") -> list[Idiom]:
    return exceptions.collect(
        module(f"""
import sys


class Sender:
    def send(self, event):
        try:
            self.socket.send(event)
        except OSError as error:
            {statement}

    def close(self):
        pass
{rest}
""")
    )


@pytest.mark.parametrize(
    "statement",
    [
        "self.unsent.append(error)",
        "self.unsent.append((event, error))",
        "self.unsent.append(Failed(event, error=error))",
        "self.unsent.append(sys.exc_info())",
    ],
)
def test_an_exception_in_a_collection(statement: str) -> None:
    [found] = stored(statement)
    assert (found.place, found.confidence, found.at.line) == ("self.unsent", "high", 10)


@pytest.mark.parametrize(
    "statement",
    [
        "self.unsent.append(str(error))",
        "self.unsent.append(error.errno)",
        "self.unsent.append(event)",
        "unsent.append(error)",
        "self.unsent.append(error.with_traceback(None))",
        "strip(error)\n            self.unsent.append(error)",
    ],
)
def test_what_does_not_keep_the_frames(statement: str) -> None:
    assert stored(statement, rest="\n\ndef strip(error):\n    error.__traceback__ = None") == []


def test_an_exception_that_is_stored_to_be_raised() -> None:
    assert stored("self.error = error", rest="    def result(self):\n        raise self.error") == []


def test_a_raise_in_the_line_above_is_another_one() -> None:
    assert stored("if not event:\n                raise\n            self.unsent.append(error)")


def cycle(handler: str, end: str = "return future") -> list[Idiom]:
    return exceptions.collect(
        module(f"""
import sys


def run(make, work):
    def call(*args):
        future = make()
        try:
            work(*args)
        except Exception as error:
            {handler}
        {end}
    return call
""")
    )


@pytest.mark.parametrize(
    "handler",
    [
        "future.set_exception(error)",
        "future.set_exc_info(sys.exc_info())",
        "future_set_exc_info(future, sys.exc_info())",
    ],
)
def test_a_future_that_holds_the_frame_that_made_it(handler: str) -> None:
    [found] = cycle(handler)
    assert found.place == "future"


@pytest.mark.parametrize(
    ("handler", "end"),
    [
        ("future.set_exception(ValueError(1))", "return future"),
        ("future.set_exception(error)", "return None"),
        (
            "future.set_exception(error)",
            "try:\n            return future\n        finally:\n            del future",
        ),
        (
            "future.set_exception(error)",
            "try:\n            return future\n        finally:\n            future = None",
        ),
        ("self.future.set_exception(error)", "return future"),
    ],
)
def test_a_future_without_a_cycle(handler: str, end: str) -> None:
    assert cycle(handler, end) == []


def test_thrown_inside_its_own_handler() -> None:
    source = """
import sys


def run(generator, futures):
    for future in futures:
        try:
            future.result()
        except Exception:
            generator.throw(*sys.exc_info())
"""
    assert [found.place for found in exceptions.collect(module(source))] == ["generator"]
    assert (
        exceptions.collect(module(source.replace("    for future in futures:", "    if future := futures:")))
        == []
    )


@pytest.mark.parametrize(
    ("guard", "count"),
    [("pass", 1), ("result.cleanFailure()", 0), ("assert not isinstance(result, Failure)", 0)],
)
def test_a_failure_that_is_cached(guard: str, count: int) -> None:
    source = f"""
class Pipeline:
    def process(self, request, info):
        deferred = self.download(request)
        deferred.addBoth(self._store, request, info)

    def _store(self, result, request, info):
        {guard}
        info.downloaded[request] = result
"""
    assert len(exceptions.collect(module(source))) == count


# Closures


@pytest.mark.parametrize(
    ("callback", "count"),
    [
        ("lambda done: use(future)", 1),
        ("lambda done: use(done)", 0),
        ("lambda done: use(done, future)", 0),
        ("lambda future: use(future)", 0),
        ("lambda done: use(self.future)", 0),
        ("lambda done: use(future=1)", 0),
        ("lambda: use(future)", 0),
    ],
)
def test_a_callback_that_names_its_future(callback: str, count: int) -> None:
    source = f"def watch(self, future, use):\n    future.add_done_callback({callback})\n"
    assert len(closures.collect(module(source))) == count


@pytest.mark.parametrize(
    ("closure", "count"),
    [
        ("lambda: build(self._size)", 1),
        ("lambda: build(self._size, self._other)", 0),
        ("lambda: self.build()", 0),
        ("lambda size: build(self._size)", 0),
        ("lambda: self._size()", 0),
        ("lambda: build(self)", 0),
    ],
)
def test_a_lambda_that_needs_one_value(closure: str, count: int) -> None:
    source = f"""
class Client:
    def __init__(self, size, other):
        self._size = size
        self._other = other
        self._make = {closure}

    def build(self):
        pass

    def close(self):
        pass
"""
    assert len(closures.collect(module(source))) == count


@pytest.mark.parametrize(("end", "count"), [("pass", 1), ("self.parser = None", 0), ("del self.parser", 0)])
def test_a_parser_that_holds_its_protocol(end: str, count: int) -> None:
    source = f"""
import httptools


class Protocol:
    def __init__(self):
        self.parser = httptools.HttpRequestParser(self)

    def connection_lost(self, error):
        {end}
"""
    assert len(closures.collect(module(source))) == count


# Removals


def jobs(put: str, take: str) -> list[Idiom]:
    return removals.collect(
        module(f"""
_open = {{}}


def started(job, put=_open.__setitem__):
    {put}


def finished(job, take=_open.pop):
    {take}
""")
    )


@pytest.mark.parametrize("put", ["_open[job.id] = job", "put(job.id, job)", "_open.setdefault(job.id, job)"])
@pytest.mark.parametrize(
    "take", ["_open.pop(job)", "_open.pop(job, None)", "del _open[job]", "take(job, None)"]
)
def test_put_in_under_one_key_and_taken_out_under_another(put: str, take: str) -> None:
    [found] = jobs(put, take)
    assert (found.place, found.at.line) == ("_open", 6)


@pytest.mark.parametrize(
    ("put", "take"),
    [
        ("_open[job.id] = job", "_open.pop(job.id)"),
        ("_open[job] = job", "_open.pop(job)"),
        ("_open[job.id] = job\n    _open[job] = job", "_open.pop(job)"),
        ("_open[job.id] = job", "for job in list(_open):\n        _open.pop(job)"),
        ("_open[job.id] = job", "job = job.id\n    _open.pop(job)"),
        ("_open[task.id] = task", "_open.pop(job)"),
    ],
)
def test_keys_that_may_well_be_the_same(put: str, take: str) -> None:
    assert jobs(put, take) == []


@pytest.mark.parametrize(("pair", "count"), [("(key, then)", 1), ("(then, key)", 0), ("(key, 0)", 0)])
def test_a_pair_in_the_other_order(pair: str, count: int) -> None:
    source = f"""
class Expiry:
    def add(self, key):
        now = time()
        self.times[key] = now
        heappush(self.heap, (now, key))

    def discard(self, key):
        then = self.times[key]
        self.heap.remove({pair})
"""
    assert len(removals.collect(module(source))) == count


@pytest.mark.parametrize(
    ("call", "count"),
    [
        ("self.signals.connect(lambda: root.removeHandler(handler), signals.stopped)", 1),
        ("self.signals.connect(lambda: root.removeHandler(handler), weak=False)", 0),
        ("self.signals.connect(lambda: print(1), signals.stopped)", 0),
        ("self.button.clicked.connect(lambda: root.removeHandler(handler))", 0),
    ],
)
def test_a_removal_that_is_held_weakly(call: str, count: int) -> None:
    source = f"class Crawler:\n    def __init__(self, handler):\n        {call}\n"
    assert len(removals.collect(module(source))) == count


@pytest.mark.parametrize(
    ("end", "registry", "count"),
    [
        ("pass", "{}", 1),
        ("Loop._all.pop(self.key)", "{}", 0),
        ("del Loop._all[self.key]", "{}", 0),
        ("pass", "weakref.WeakValueDictionary()", 0),
    ],
)
def test_an_object_that_stays_in_a_registry(end: str, registry: str, count: int) -> None:
    source = f"""
class Loop:
    _all = {registry}

    def __init__(self, key):
        self.key = key
        Loop._all[key] = self

    def close(self):
        {end}
"""
    assert len(removals.collect(module(source))) == count
