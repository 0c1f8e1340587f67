"""A cache that was made without a capacity gets one."""

from __future__ import annotations

import re

from repairbot.languages.rust.repairs._source import Source, arguments, method
from repairbot.lifetimes.intents import BOUND_CACHE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (BOUND_CACHE,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """`LruCache::unbounded()` becomes `LruCache::new(capacity)`, as this file's version of the crate takes it."""
    call = source.node(intent.at)
    callee = call.child_by_field_name("function")
    if callee is None or method(call) not in ("unbounded", "unbounded_with_hasher"):
        return Refusal("how it takes a capacity is not known")
    bound = intent.args["bound"]
    path = source.slice(callee.start_byte, callee.end_byte).rpartition("::")[0]
    rest = "".join(f", {source.slice(each.start_byte, each.end_byte)}" for each in arguments(call))
    checked = re.search(rb"\bNonZeroUsize\b", source.data) is not None
    size = f"NonZeroUsize::new({bound}).unwrap()" if checked else bound
    new = "new" if method(call) == "unbounded" else "with_hasher"
    return (Edit(call.start_byte, call.end_byte, f"{path}::{new}({size}{rest})"),)
