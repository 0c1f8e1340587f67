"""`if !map.contains_key(&k) { map.insert(k, v); }` becomes one look: the entry."""

from __future__ import annotations

import re

from tree_sitter import Node

from repairbot.languages.rust.repairs._source import Source, joined, named, squeezed, walk
from repairbot.languages.rust.syntax import text
from repairbot.lifetimes.intents import ENTRY_API, Refusal
from repairbot.lifetimes.ops import Intent
from repairbot.model import Edit

WRITES = (ENTRY_API,)

_PLAIN = frozenset(
    {"integer_literal", "float_literal", "boolean_literal", "string_literal", "identifier", "char_literal"}
)
"""Values that cost nothing to make."""
_EMPTY = (
    "Vec::new()",
    "HashMap::new()",
    "HashSet::new()",
    "BTreeMap::new()",
    "String::new()",
    "Default::default()",
    "vec![]",
)


def _copied(source: Source, near: Node, name: str) -> bool:
    """Whether a name is a parameter of a type that is copied where it is used."""
    function = source.function(near)
    listed = function.child_by_field_name("parameters") if function is not None else None
    return any(
        text(each.child_by_field_name("pattern")) == name
        and re.fullmatch(
            r"[iu](?:8|16|32|64|128|size)|char|bool|&(?!mut ).*", text(each.child_by_field_name("type"))
        )
        for each in (named(listed) if listed is not None else ())
    )


def write(source: Source, intent: Intent) -> tuple[Edit, ...] | Refusal:
    """The edit in place of the `if`."""
    whole, then, insert = (source.node(span) for span in (intent.at, *intent.spans[:2]))
    test = (
        whole
        if whole.type == "if_expression"
        else next((n for n in walk(whole) if n.type == "if_expression"), None)
    )
    if test is None or test.child_by_field_name("alternative") is not None:
        return Refusal("it has another branch")
    rows = source.rows(then)
    if len(rows) != 1 or insert not in (rows[0], *named(rows[0])):
        return Refusal("more than the insertion stands in the branch")
    if test.parent is not None and test.parent.type == "else_clause":
        return Refusal("it is itself another branch")
    place, key = joined(intent.args["map"]), intent.args["key"]
    listed = insert.child_by_field_name("arguments")
    given = named(listed) if listed is not None else []
    if len(given) != 2:
        return Refusal("the insertion is of another kind")
    value = given[1]
    if any(node.type in ("try_expression", "await_expression", "return_expression") for node in walk(value)):
        return Refusal("making the value can leave the function, which a closure cannot")
    if place.startswith("self.") and re.search(r"\bself\.\w+\(|\bself\b(?!\.)", text(value)):
        return Refusal("making the value needs the object, of which the entry is a part")
    if squeezed(place) in squeezed(text(value)):
        return Refusal(f"making the value looks into {place}")
    if re.fullmatch(r"\w+", key) and source.mentions(key, value) and not _copied(source, test, key):
        return Refusal(f"making the value needs {key}, which the entry takes")
    if squeezed(text(value)) in _EMPTY:
        end = "or_default()"
    elif value.type in _PLAIN:
        end = f"or_insert({text(value)})"
    else:
        end = f"or_insert_with(|| {text(value)})"
    return (Edit(test.start_byte, test.end_byte, f"{place}.entry({key}).{end};"),)
