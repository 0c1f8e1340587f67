"""Repairs of Rust, one file an intent or a family of intents; found by walking this folder.

A module says what it writes in `WRITES` (names from repairbot.lifetimes.intents) and writes it in
`write(source, intent)`: the edits, or a Refusal that says why not. Files that start with an underscore hold what the
others share: `_source.py` the tree and its rows, `_types.py` structs, their members and constructors, `_receivers.py`
who may change `self`.

The edits keep what is there and indent by the rows around them. Where `rustfmt` is at hand and had nothing to change
in the file before, the printer lets it format what was written (printer.py), so no repair counts columns.
"""
