"""Repairs of Python, one file an intent or a family of intents; found by walking this folder.

A module says what it writes in `WRITES` (names from repairbot.lifetimes.intents) and writes it in
`write(source, intent)`: the edits, or a Refusal that says why not. Files that start with an underscore hold
what the others share. See `_cst.py` for the wrapper that a repair works on.
"""
