"""Repairs of Zig, one file an intent or a family of intents; found by walking this folder.

A module says what it writes in `WRITES` (names from repairbot.lifetimes.intents) and writes it in
`write(source, intent)`: the edits, or a Refusal that says why not. Files that start with an underscore hold what the
others share: `_source.py` the tree and its rows, `_binding.py` how a place came to hold its value, `_release.py` the
text of a release and the releases that stand in the code, `_paths.py` what can fail and where control leaves.

What these repairs ask of the front end, beyond what lifetimes/intents.py says:

- `Intent.at` of what is acquired: the whole statement, or the capture (`|x|`) that names it.
- `Intent.place`: the name as it stands in the source, or the text of a member (`self.name`).
- `args["release"]`: `.deinit`, `.deinit(gpa)`, `gpa.free`, `free(gpa, {})`.
- `Intent.owners` of what is handed on: the statements that give the value to another owner. An `errdefer` must not
  outlive them: where something behind them can fail, the owner would release the value, and the `errdefer` as well.
"""
