"""The key goes with the last element of its bucket."""

from __future__ import annotations

import re

from repairbot.languages.typescript.repairs._source import Source
from repairbot.lifetimes.intents import DROP_EMPTY, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (DROP_EMPTY,)


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """A check behind the statement that empties the bucket."""
    container, key, bucket = (intent.args[name] for name in ("container", "key", "bucket"))
    row = source.row(source.node(intent.spans[0]))
    if row is None or not container or not key or not bucket:
        return Refusal("the container or its key has no name there")
    text = source.data.decode()
    sized = re.search(rf"{re.escape(bucket)}\??\.(?:delete|size|clear|has)\b", text) is not None
    length = "size" if sized else "length"
    chain = "?" if re.search(rf"{re.escape(bucket)}\?\.", source.text(row)) else ""
    mapped = re.search(rf"{re.escape(container)}\??\.(?:get|set|delete)\(", text) is not None
    drop = f"{container}.delete({key})" if mapped else f"delete {container}[{key}]"
    return (source.after(row, [f"if ({bucket}{chain}.{length} === 0) {{", f"\t{drop}", "}"]),)
