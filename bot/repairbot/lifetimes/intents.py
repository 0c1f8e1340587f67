"""The names of the repairs a rule may ask for. `Intent.args` and `Intent.spans` hold what each needs.

A printer refuses what it cannot do well and says why; a refusal is data, not an error.
"""

from __future__ import annotations

from typing import Final

from repairbot.lazily import dataclass

RELEASE_ON_EXIT: Final = "release-on-exit"
"""Release `place` on every way out of its scope. at: the acquiring op. args: release (".close" or
"os.close"), scope ("releases", "other", "none"), asynchronous ("yes" or ""). spans: the explicit releases that
become superfluous. A place "list[]" means all that the list holds. args, where the value holds something itself
that leaks with it: elements (the release of one), elements on ("error", or "": on every way out)."""
NAME_AND_RELEASE: Final = "name-and-release"
"""Give the nameless value a name and release it on every way out. at: the acquiring expression. args as above,
and name: a suggestion; on ("error": it is released when a later step fails, and only then)."""
RELEASE_BEFORE: Final = "release-before"
"""Release `place` before one exit. at: the acquiring op; spans[0]: the exit statement. args: release."""
RELEASE_ON_ERROR: Final = "release-on-error"
"""Release `place` when a later step fails, and only then (it is owned elsewhere otherwise).
at: the acquiring op; spans: the steps that can fail. args and places as above."""
ERRORS_ONLY: Final = "errors-only"
"""A cleanup on every way out becomes one of errors alone: the value is handed on. spans[0]: its statement."""
WIDEN_HANDLER: Final = "widen-handler"
"""A cleanup handler misses some errors. spans[0]: the exception type in the handler. args: type."""
RELEASE_OLD: Final = "release-old"
"""Keep the old value, assign, release the old. at: the assigning statement. args: release; also ("exit", "error"): the
new value is to be released as RELEASE_ON_EXIT or RELEASE_ON_ERROR do, spans[0] being where it is acquired."""
ADD_TO_TEARDOWN: Final = "add-to-teardown"
"""Add one line to a teardown. args: container, method (the teardown), line (the statement, at its natural
indentation; may have several lines), after (a member whose line it should follow, or ""), early ("yes": before
everything but the guards at the top)."""
RESET_ON_ERROR: Final = "reset-on-error"
"""In a constructor: release (and reset) what was made before a failing step, rethrow. spans: the steps that can
fail. args: statements (lines joined with a newline)."""
SCOPE_CLOSING: Final = "scope-closing"
"""`with X as c` ends something else: wrap X so that it is closed too. at: X."""
BOUND_DEQUE: Final = "bound-deque"
"""Make the collection `deque(maxlen=N)`. at: the INIT expression. args: bound."""
TRIM_AFTER: Final = "trim-after"
"""Trim behind the growth. spans: the growing statements. args: target (for each of them the text of the
collection, joined with newlines), bound, kind (list, dict, OrderedDict)."""
DROP_EMPTY: Final = "drop-empty"
"""Delete the key when its bucket is empty. spans[0]: the emptying statement. args: container and key
("" where they have no name there), bucket (its text in that statement)."""
WEAK: Final = "weak"
"""Make the collection weak. at: the INIT expression, spans: the others. args: type (WeakValueDictionary,
WeakKeyDictionary, WeakSet)."""
BOUND_CACHE: Final = "bound-cache"
"""Bound a decorator cache. at: the decorator. args: bound."""
BOUND_CHANNEL: Final = "bound-channel"
"""Give the queue a capacity. at: its constructor call. args: bound, keyword."""
PER_INSTANCE: Final = "per-instance"
"""Move a class-level mutable value into the constructor. at: the class-level assignment. args: member."""
PER_CALL: Final = "per-call"
"""Make a parameter's default anew for each call. at: the default. args: name, function (its symbol)."""
KEEP_HANDLE: Final = "keep-handle"
"""Keep a dropped handle. at: the call; spans[0]: its statement. args: container ("" at module level), what. In Rust at
is the call that lets it go (`X.detach()`), spans[1] is X, and args say the keeper (a member's name) and its kind: list,
option (one at a time), map (with `key`, an expression; `beside`, the member whose entries live as long), or new (no
such member is there yet: `type` is its type, `empty` the expression that makes it), or flag (the keeper is a bool
that says that it runs: spans[2] sets it, spans[3] resets it). For a map spans[2:] are the statements that remove the
entry of `beside`, in `method`, under the key `removed`; `each` is "yes" where each call makes one more."""
DOWNGRADE: Final = "downgrade"
"""Hold an object weakly in a closure or a task that it keeps. at: the expression that makes the strong handle (for
`task`: the spawning call, or the argument). args: name (the handle's, inside), weak (what replaces the expression),
task ("yes" where a task is given it). spans[0]: the body of the closure, spans[1:]: where it uses the name."""
DRAIN: Final = "drain"
"""Take what is finished out of a set of tasks in each round. at: the loop; spans[0]: the statement that spawns.
args: name (the set)."""
UNDO_OLD: Final = "undo-old"
"""An entry of a map is overwritten: take back what the old one stood for. at: the inserting call; spans: its
statement, the call that undoes it elsewhere, the removal there. args: map, key, value, undo and removed (the
texts of the last two)."""
ENTRY_API: Final = "entry-api"
"""Look an entry up once. at: the `if`; spans: its block, the inserting call. args: map, key, value."""
TAKE_BACK: Final = "take-back"
"""A value was made raw and a way out loses it. at: the `let`; spans: the way out, where it is taken back. args:
name, back (the text that takes it back), raw (how it was made raw)."""
LEAVE_AT_END: Final = "leave-at-end"
"""Leave a loop when a read gives nothing more. at: the reading statement; spans[0]: the loop."""
ADD_DROP: Final = "add-drop"
"""Give a type a Drop. at: the type; spans[0]: the member. args: container, member, end (a statement, {} is the
member), cell (RefCell, Mutex, Option, or ""), what."""
CANCEL_IN_TEARDOWN: Final = "cancel-in-teardown"
"""Alias of ADD_TO_TEARDOWN for handles; same args."""
CLEAR_BEFORE_SET: Final = "clear-before-set"
"""Cancel the handle that stands before a new one is set. at: the assigning statement. args: lines (what
ends it)."""
REGISTER_ONCE: Final = "register-once"
"""Check before registering. spans[0]: the registering statement. args: test (the condition under which to register)."""
REPLACE_ARGUMENT: Final = "replace-argument"
"""Replace an expression by another. at: the expression. args: text, import (a line that must stand at the
top, or "")."""
REPLACE_TEXT: Final = REPLACE_ARGUMENT
INSERT_AFTER: Final = "insert-after"
"""Insert statements behind a statement. spans[0]: the statement. args: lines (joined with a newline)."""
INSERT_BEFORE: Final = "insert-before"
"""Insert statements before a statement. Same args."""
INSERT_EACH: Final = "insert-each"
"""Insert lines before each of several statements. spans: the statements; args: lines (a form feed between one's and
the next one's)."""
CANCEL_PENDING: Final = "cancel-pending"
"""Cancel what a wait for the first of several leaves behind. at: the wait's call; spans[0]: its statement.
args: tasks (names made for this wait, joined with a comma; "" when they stand inside the call)."""
CANCEL_ON_EXIT: Final = "cancel-on-exit"
"""Keep a task and cancel it when the function resumes at the end of its service (behind a `yield`). at: the
spawning call; spans[0]: its statement. args: name (the handle's, "" to give it one)."""
UNREGISTER_ON_EXIT: Final = "unregister-on-exit"
"""Undo a hook when the function that made it ends. spans[0]: the registering statement. args: line."""
DROP_EXCEPTION: Final = "drop-exception"
"""Store an exception without its frames. at: the expression that is stored. args: none."""
DROP_LOCAL: Final = "drop-local"
"""Return a value and let the frame forget its name for it. spans[0]: the return statement."""
KEEP_CALLBACK: Final = "keep-callback"
"""Give a callback that is made on the spot a name that lives. at: the callback; spans[0]: its statement.
args: name (dotted)."""
LIMIT_QUERY: Final = "limit-query"
"""Add a limit with a default and read in pages. at: the query call. args: bound."""
STREAM_FILE: Final = "stream-file"
"""Check the size, then stream. at: the reading call. args: bound."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a printer does not write an intent."""

    why: str
