"""The words by which the front end knows collections, teardowns and what keeps disposables."""

from __future__ import annotations

import re
from typing import Final

from repairbot.lazily import regex

LISTS: Final = frozenset(
    {"push", "unshift", "enqueue", "addLast", "addFirst", "pushBack", "pushFront", "prepend"}
)
"""Methods that put an entry into a list."""
SHRINKS: Final = frozenset(
    {
        "delete",
        "pop",
        "shift",
        "dequeue",
        "remove",
        "removeAt",
        "splice",
        "deleteIn",
        "popFront",
        "popBack",
        "removeOne",
    }
)
CLEARS: Final = frozenset({"clear", "removeAll", "reset"})
ITERATES: Final = frozenset(
    {
        "forEach",
        "map",
        "filter",
        "some",
        "every",
        "find",
        "findIndex",
        "reduce",
        "flatMap",
        "values",
        "entries",
        "keys",
        "sort",
    }
)
LOOKS: Final = frozenset({"has", "includes", "indexOf", "lastIndexOf", "peek", "at"})
TEARDOWNS: Final = (
    "dispose", "ngOnDestroy", "destroy", "onRemove", "[Symbol.dispose]", "[Symbol.asyncDispose]",
    "componentWillUnmount", "disconnectedCallback", "close", "disconnect", "shutdown", "terminate",
    "unmount", "beforeUnmount", "beforeDestroy",
    "destroyed", "teardown", "tearDown", "cleanup", "cleanUp", "deactivate", "onunload", "uninstall", "stop", "end",
    "removeHooks", "detach", "unload", "onDestroy", "_destroy", "_dispose", "doDispose", "disposeInternal",
    "[kDestroy]", "[kClose]", "toDisposable", "stopAsync", "stopService", "disposeAsync", "release",
)  # fmt: skip
"""Methods that end an instance's life, the strongest first."""
DISPOSERS: Final = (
    "dispose",
    "destroy",
    "close",
    "disconnect",
    "terminate",
    "unsubscribe",
    "[Symbol.dispose]",
    "shutdown",
)
"""Methods that make a class one whose instances have to be ended."""
CALLED_AT_END: Final = regex(
    r"(?:^|\.)(?:toDisposable|onDispose|onDestroy|onWillDispose|onDidDispose|addTeardown|onCleanup|onBeforeUnmount|onUnmounted"
    r"|onScopeDispose|registerDisposer|addDisposer|_?register|_?registerDisposable|addDisposable)$"
    r"|(?:dispos\w*|subscriptions?|subs|store|cleanups?|teardowns?|finalizers?)\.(?:add|push|defer|adopt|register)$",
    re.IGNORECASE,
)
"""Callees whose callback runs when the object ends."""
KEEPERS: Final = regex(
    r"this\.(?:_?register(?:Disposable)?|_?addDisposable|_own|own|_?track|_?autoDispose|disposeOnUnmount|_?takeOwnership)"
    r"|this\.[\w#$]*(?:[dD]isposables?|[dD]isposableStore|[tT]oDispose(?:On\w+)?|[sS]ubscriptions?|[sS]ubs|_store|[cC]leanups?"
    r"|[tT]eardowns?|[dD]isposers?)\.(?:add|push|register)"
)
"""Callees that keep what they are given until the object ends, and end it then."""
BASES: Final = regex(r"(?:^|\.)(?:\w*Disposable\w*|Disposer|Owner)$")
"""Base classes that end what was registered with them."""
CLOSERS: Final = regex(
    r"(?:^|\.)_?(?:safe)?_?(?:dispose|destroy|close|clear|release|terminate|unsubscribe|free|end|stop|delete)\w*$",
    re.I,
)
"""Functions that end what they are given."""
RUNS_AT_ONCE: Final = frozenset(
    {"map", "forEach", "filter", "some", "every", "find", "findIndex", "reduce", "sort", "flatMap", "from", "tidy",
     "runInAction", "withLock", "runExclusive", "transaction", "batch", "untracked", "Promise"}
)  # fmt: skip
"""Callees that call their callback before they return."""
