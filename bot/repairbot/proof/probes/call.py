"""Calls one function of the project again and again, by itself; run in the user's interpreter.

`call.py SPEC`: a JSON file with `top`, `path` (of the module, from `top`), `symbol`, `members`, `rounds`,
`seconds`, `fresh` (new values in every call, or three that come again) and `out`. Writes JSON lines to `out`:
readings, warnings, or one line that says why it cannot be called. Plain arguments are made from annotations.
"""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import datetime
import enum
import gc
import importlib
import inspect
import json
import os
import pathlib
import sys
import tempfile
import time
import tracemalloc
import types
import typing
import warnings
from typing import Any

FIRST = 20
"""Calls to warm up and to see how long one takes."""
READINGS = 48
PATIENCE = 10
"""How much longer than its processor time a call may take by the clock and still count as short."""
DEPTH = 4
OPPOSITES = {
    "add": ("remove", "discard", "delete"),
    "attach": ("detach",),
    "connect": ("disconnect",),
    "insert": ("remove", "delete"),
    "on": ("off",),
    "open": ("close",),
    "put": ("remove", "delete", "pop"),
    "register": ("unregister", "deregister"),
    "set": ("unset", "clear"),
    "subscribe": ("unsubscribe",),
    "watch": ("unwatch",),
}
TEARDOWN = ("aclose", "close", "stop", "shutdown", "dispose", "disconnect", "__exit__")


class Refused(Exception):
    """It cannot be called by itself; the message says why."""


class Maker:
    """Makes plain values from annotations. `number` is that of the call; few: three values come again."""

    def __init__(self, fresh: bool, folder: str) -> None:
        self.fresh, self.folder, self.number = fresh, folder, 0
        self.shared: dict[Any, Any] = {}
        self.needed: dict[Any, list[tuple[str, Any]]] = {}

    def arguments(self, function: Any, skip_first: bool) -> dict[str, Any]:
        """Every parameter that has no default, by its name. Raises Refused."""
        key = (getattr(function, "__func__", function), skip_first)
        if key not in self.needed:
            self.needed[key] = self._needed(function, skip_first)
        return {name: self.value(kind, name, 0) for name, kind in self.needed[key]}

    def _needed(self, function: Any, skip_first: bool) -> list[tuple[str, Any]]:
        try:
            hints = typing.get_type_hints(function)
        except Exception:  # noqa: BLE001 - whatever the project's annotations raise, they tell no types
            hints = getattr(function, "__annotations__", {})
        needed = []
        parameters = list(inspect.signature(function).parameters.values())
        for parameter in parameters[skip_first:]:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.default is not parameter.empty:
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise Refused(f"parameter {parameter.name} takes no name")
            if parameter.name not in hints:
                raise Refused(f"parameter {parameter.name} has no annotation")
            needed.append((parameter.name, hints[parameter.name]))
        return needed

    def value(self, kind: Any, name: str, depth: int) -> Any:
        """A plain value of a type. Raises Refused."""
        number = self.number if self.fresh else self.number % 3
        if kind is str:
            return self._file(number) if "path" in name or "file" in name else f"{name}-{number}"
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        plain = {
            int: number,
            float: float(number),
            bool: bool(number % 2),
            bytes: b"%d" % number,
            complex: 1j,
        }
        if kind in plain:
            return plain[kind]
        if kind in (type(None), None, object):
            return None
        if kind in (pathlib.Path, pathlib.PurePath, os.PathLike) or origin is os.PathLike:
            return pathlib.Path(self._file(number))
        if origin is typing.Annotated:
            return self.value(inner[0], name, depth)
        if origin is typing.Literal:
            return inner[number % len(inner)]
        if origin in (typing.Union, getattr(types, "UnionType", typing.Union)):
            return self._first(
                [one for one in inner if one is not type(None)], name, depth, type(None) in inner
            )
        if kind is collections.abc.Callable or origin is collections.abc.Callable or kind is typing.Callable:
            result = inner[1] if len(inner) == 2 else None
            return lambda *given, **named: None if result is None else self._result(result, depth)
        base = origin or kind
        for empty in (list, dict, set, frozenset, collections.deque):
            if base is empty:
                return empty()
        if base is tuple:
            return tuple(self.value(one, name, depth + 1) for one in inner if one is not Ellipsis)
        if isinstance(base, type):
            if issubclass(base, enum.Enum):
                return list(base)[number % len(base)]
            if base is datetime.datetime:
                return datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=number)
            if base is datetime.timedelta:
                return datetime.timedelta(seconds=1)
            if issubclass(dict, base):
                return {}
            if issubclass(list, base):
                return []
            return self.instance(base, depth)
        raise Refused(f"no plain value can be made of {kind!r}")

    def instance(self, kind: Any, depth: int) -> Any:
        """One object of a class of the project, the same in every call. Raises Refused."""
        if kind in self.shared:
            return self.shared[kind]
        if depth >= DEPTH:
            raise Refused(f"{kind.__name__} needs too much to be made")
        if inspect.isabstract(kind) or getattr(kind, "_is_protocol", False):
            raise Refused(f"{kind.__name__} is abstract")
        if kind.__module__ == "builtins" or not hasattr(sys.modules.get(kind.__module__), "__file__"):
            raise Refused(f"no plain value can be made of {kind.__name__}")
        try:
            made = (
                kind(**self.arguments(kind.__init__, True))
                if kind.__init__ is not object.__init__
                else kind()
            )
        except Refused as error:
            raise Refused(f"{kind.__name__} cannot be made: {error}") from None
        except Exception as error:  # noqa: BLE001 - the project's own code
            raise Refused(f"{kind.__name__}() raised {type(error).__name__}: {error}") from None
        self.shared[kind] = made
        return made

    def _first(self, kinds: list[Any], name: str, depth: int, optional: bool) -> Any:
        reason = "nothing to choose from"
        for kind in kinds:
            try:
                return self.value(kind, name, depth)
            except Refused as error:
                reason = str(error)
        if optional:
            return None
        raise Refused(reason)

    def _result(self, kind: Any, depth: int) -> Any:
        try:
            return self.value(kind, "result", depth + 1)
        except Refused:
            return None

    def _file(self, number: int) -> str:
        path = os.path.join(self.folder, f"given-{number % 3}.txt")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write("one\ntwo\n")
        return path


def module_of(top: str, path: str) -> Any:
    """Import the project's module by its file."""
    folder, name = os.path.split(os.path.join(top, path))
    parts = [] if name == "__init__.py" else [name[:-3]]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    sys.path.insert(0, folder)
    if top not in sys.path:
        sys.path.insert(1, top)
    dotted = ".".join(parts)
    try:
        module = importlib.import_module(dotted)
    except BaseException as error:  # noqa: BLE001 - the project's own code; also sys.exit()
        raise Refused(f"importing {dotted} raised {type(error).__name__}: {error}") from None
    held = os.path.realpath(getattr(module, "__file__", "") or "")
    if not held.startswith(os.path.realpath(top) + os.sep):
        raise Refused(f"{dotted} is imported from {held}, not from the worktree (an editable install?)")
    return module


def prepared(module: Any, symbol: str, maker: Maker) -> tuple[Any, Any]:
    """What to call in every round, and the object whose members are counted. Raises Refused."""
    parts = symbol.split(".")
    if len(parts) > 2:
        raise Refused("it stands inside another function")
    holder = getattr(module, parts[0], None)
    if holder is None:
        raise Refused(f"{parts[0]} is not at the top of its module")
    if len(parts) == 1:
        if inspect.isclass(holder):
            return lambda: used(holder, maker), module
        return lambda: holder(**maker.arguments(holder, False)), module
    if not inspect.isclass(holder):
        raise Refused("it stands inside another function")
    if parts[1] == "__init__":
        return lambda: used(holder, maker), module
    raw = inspect.getattr_static(holder, parts[1], None)
    if raw is None:
        raise Refused(f"{holder.__name__} has no {parts[1]}")
    if isinstance(raw, property):
        thing = maker.instance(holder, 0)
        return lambda: getattr(thing, parts[1]), thing
    if isinstance(raw, staticmethod | classmethod):
        bound = getattr(holder, parts[1])
        return lambda: bound(**maker.arguments(bound, False)), holder
    thing = maker.instance(holder, 0)
    method = getattr(thing, parts[1])
    opposite = counterpart(thing, parts[1])
    named = set(inspect.signature(opposite).parameters) if opposite is not None else set()

    def once() -> Any:
        given = maker.arguments(method, False)
        answer = method(**given)
        if opposite is not None and not inspect.isawaitable(answer):
            opposite(**{name: value for name, value in given.items() if name in named})
        return answer

    return once, thing


def counterpart(thing: Any, name: str) -> Any:
    """The method that takes back what a method does (remove_x for add_x): one half alone grows by design."""
    word, mark, rest = name.partition("_")
    for opposite in OPPOSITES.get(word, ()):
        method = getattr(thing, opposite + mark + rest, None)
        if callable(method):
            needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
            own = inspect.signature(getattr(thing, name)).parameters
            if all(parameter.name in own for parameter in needed):
                return method
            raise Refused(
                f"it is one half of a pair, and {opposite + mark + rest} needs what is not known here"
            )
    return None


def used(kind: Any, maker: Maker) -> Any:
    """Make an object of the class and put it away as the class wants it. Raises Refused."""
    thing = kind(**maker.arguments(kind.__init__, True))
    for name in TEARDOWN:
        end = getattr(thing, name, None)
        if callable(end):
            return end(None, None, None) if name == "__exit__" else end()
    return None


def entries(value: Any, depth: int = 3) -> int:
    """How many entries a collection holds, in all it holds."""
    if hasattr(value, "cache_info"):
        return int(value.cache_info().currsize)
    if isinstance(value, dict):
        return len(value) + (sum(entries(one, depth - 1) for one in list(value.values())) if depth else 0)
    if isinstance(value, list | set | frozenset | tuple | collections.deque):
        return len(value) + (sum(entries(one, depth - 1) for one in list(value)) if depth else 0)
    return int(value.qsize()) if callable(getattr(value, "qsize", None)) else 0


def member(thing: Any, module: Any, name: str) -> Any:
    """What a finding's variable names: "self.jobs", or a name of the module."""
    own, _, rest = name.partition(".")
    if own in ("self", "cls") and rest:
        return getattr(thing, rest, None)
    return getattr(thing, name, getattr(module, name, None))


def main(spec: dict[str, Any]) -> None:
    """Call, read, write."""
    with tempfile.TemporaryDirectory() as folder, open(spec["out"], "w", encoding="utf-8") as out:

        def say(**row: Any) -> None:
            out.write(json.dumps(row) + "\n")
            out.flush()

        def warned(message: Any) -> None:
            if issubclass(message.category, ResourceWarning):
                trace = (
                    tracemalloc.get_object_traceback(message.source) if message.source is not None else None
                )
                places = [(frame.filename, frame.lineno) for frame in reversed(trace or ())]
                places.append((message.filename, message.lineno))
                path, line = next((at for at in places if at[0].startswith(spec["top"])), places[0])
                say(warning=str(message.message), path=path, line=line)

        maker = Maker(spec["fresh"], folder)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            module = module_of(spec["top"], spec["path"])
            call, thing = prepared(module, spec["symbol"], maker)
            tracemalloc.start(4)
            warnings.simplefilter("always", ResourceWarning)
            held: Any = warnings
            held._showwarnmsg = warned
            done = 0

            def again(count: int) -> None:
                nonlocal done
                for _ in range(count):
                    maker.number = done
                    answer = call()
                    if inspect.isawaitable(answer):
                        loop.run_until_complete(asyncio.wait_for(answer, spec["seconds"]))
                    elif inspect.isgenerator(answer):
                        collections.deque(answer, maxlen=0)
                    answer = None
                    done += 1

            # As many rounds as fit into the processor time (on a busy machine the clock says little), read at
            # even distances.
            began, clock = time.process_time(), time.monotonic()
            again(FIRST)
            each = max(
                (time.process_time() - began) / FIRST, (time.monotonic() - clock) / FIRST / PATIENCE, 1e-7
            )
            rounds = int(max(2 * READINGS, min(spec["rounds"], spec["seconds"] / 2 / each)))
            while done < rounds:
                again(rounds // READINGS)
                gc.collect()
                sizes = {name: entries(member(thing, module, name)) for name in spec["members"]}
                say(x=done, traced=tracemalloc.get_traced_memory()[0], entries=sizes)
                if time.process_time() - began > 2 * spec["seconds"]:
                    break
        except Refused as error:
            say(refused=str(error))
        except Exception as error:  # noqa: BLE001 - the project's own code
            say(refused=f"it raised {type(error).__name__}: {str(error)[:200]}")
        os._exit(0)  # threads and loops of the project need not end


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as given:
        main(json.load(given))
