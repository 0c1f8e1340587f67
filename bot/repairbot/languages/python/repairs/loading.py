"""Limit a query; walk the lines of a file instead of listing them."""

from __future__ import annotations

import re

import libcst as cst

from repairbot.languages.python.repairs._cst import Source
from repairbot.lifetimes.intents import LIMIT_QUERY, STREAM_FILE, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (LIMIT_QUERY, STREAM_FILE)

_ENDS = {
    "all": ".limit({bound}).all()",
    "fetchall": ".fetchmany({bound})",
    "to_list": ".to_list(length={bound})",
}


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """See LIMIT_QUERY and STREAM_FILE."""
    call = source.expression(intent.at)
    if isinstance(call, cst.Await):
        call = call.expression
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return Refusal("the call is not a method's")
    method, value = call.func.attr.value, call.func.value
    start, end = source.outer_end(value), source.end(call)
    if intent.do == STREAM_FILE:
        if method != "readlines" or call.args:
            return Refusal("how this file should be read piece by piece depends on what is done with it")
        return (Edit(start, end, ""),)
    bound = intent.args["bound"]
    if method == "find":
        return (Edit(end, end, f".limit({bound})"),)
    if "objects" in source.text(value) and method == "all":
        return (Edit(end, end, f"[:{bound}]"),)
    form = _ENDS.get(method)
    if form is None or re.search(r"#", source.slice(start, end)):
        return Refusal("no limit can be written into this call")
    return (Edit(start, end, form.format(bound=bound)),)
