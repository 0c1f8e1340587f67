"""`if !map.contains_key(&k) { map.insert(k, v); }` becomes one look: the entry."""

from __future__ import annotations

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
    if len(source.rows(then)) != 1:
        return Refusal("more than the insertion stands in the branch")
    place, key = joined(intent.args["map"]), intent.args["key"]
    listed = insert.child_by_field_name("arguments")
    given = named(listed) if listed is not None else []
    if len(given) != 2:
        return Refusal("the insertion is of another kind")
    value = given[1]
    if any(node.type in ("try_expression", "await_expression", "return_expression") for node in walk(value)):
        return Refusal("making the value can leave the function, which a closure cannot")
    if squeezed(text(value)) in _EMPTY:
        end = "or_default()"
    elif value.type in _PLAIN:
        end = f"or_insert({text(value)})"
    else:
        end = f"or_insert_with(|| {text(value)})"
    return (Edit(test.start_byte, test.end_byte, f"{place}.entry({key}).{end};"),)
