"""The operations that every language is lowered to, and the functions and containers they stand in.

Small on purpose, after Infer's SIL (https://github.com/facebook/infer/blob/main/infer/src/IR/Sil.ml).
A *place* names what is tracked: a local ("conn"), a member ("self.conn"), a nameless value ("%1"), what a local holds
inside ("list[]", which several values share); what stands behind "#" tells apart two locals of one name ("item#2").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from enum import StrEnum
from typing import Literal, NamedTuple

from repairbot.lazily import dataclass
from repairbot.model import Confidence, SafePattern, Span, Step

EXIT = -1
"""The edge target that leaves a function normally (return, or its end)."""
FAIL = -2
"""The edge target that leaves a function by an error."""


UNLIKELY = "unlikely"
"""The `value` of an operation that could fail, and of which nobody expects it (a plain call that waits for nothing)."""


OTHER_BRANCH = "other branch"
"""The `detail` of a release in a method that makes the member in another branch."""


class Kind(StrEnum):
    """What an operation does to its place."""

    ACQUIRE = "acquire"
    """The place now holds `resource` and somebody must release it. `detail` is "scope" when a scope construct
    (`with`) holds it, "grown" when the place may hold something already (a list that grows): then nothing is new.
    A value that never gets a name has a place that starts with "%"."""
    RELEASE = "release"
    """`detail` is "scope" when the end of a scope construct does it."""
    ESCAPE = "escape"
    """The obligation leaves this function: `detail` is returned, yielded, stored, passed, captured or kept; or shown
    (to a callee that only looks at it, by its name; when that fails it is not known who cleans up)."""
    USE = "use"
    MOVE = "move"
    """`other` becomes a name for what `place` holds. A fallible one (a wrapper that owns what it wraps:
    `s = ssl.wrap_socket(s)`) has moved nothing when it fails."""
    CLEAR = "clear"
    """The place gets a value that is not tracked. `detail`: "none" when it is empty for certain (None, False,
    0, del), "some" when it is not for certain (True, a literal with content), "" when that is not known. Every
    assignment to a place that some edge asks about (`Edge.place`) appears as one, whether it is tracked or not."""
    CALL = "call"
    """Something that can fail and touches nothing tracked. `detail` is the callee's text, "raise", "yield"..."""
    UNKNOWN = "unknown"
    """Tracking of the place stops here: who owns it now is not known. `detail` says why. Counted."""
    # Operations on members of containers (and on module-level collections):
    INIT = "init"
    """The member is made. `detail`: list, dict, set, deque, defaultdict(list), a resource id, task, timer..."""
    GROW = "grow"
    SHRINK = "shrink"
    BOUND = "bound"
    """The length is compared, or the member is made with a bound; `value` is the bound's text."""
    READ = "read"
    """Read without changing; `detail`: all, len, truth, last (a slice of the last `value`), slice, key, iterate,
    sort, saved (written out), other, escape."""


Scope = Literal["releases", "other", "none"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One row of a resources file: what is acquired by a call and how it is released.

    `acquire`: dotted callee names; one that starts with a dot matches any receiver (".cursor"). None at all: the
    function that handles the value releases it in an error handler, and nothing more is known of it.
    `release`: ".close" is a method of the value, "os.close" a function that takes it; ".deinit(gpa)" a method
    with its arguments, "free(gpa, {})" a call in which {} is the value.
    `scope`: what the language's scope construct (`with`) does to it: "releases"; "other" (ends something
    else, as `with sqlite3.connect()` does); "none" (there is no such construct); "closing" never appears.
    `borrows`: callees that use the value and give it back; `keeps`: callees that own it from then on.
    `slots`: for results that are tuples, which elements are resources ((0, 1) for os.pipe()).
    """

    id: str
    what: str
    acquire: tuple[str, ...]
    release: tuple[str, ...]
    scope: Scope = "none"
    asynchronous: bool = False
    borrows: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    slots: tuple[int, ...] = ()
    severity: Literal["low", "medium", "high"] = "medium"
    collected: bool = True
    """Whether the runtime releases it at the latest when the value is collected."""
    origin: Literal["builtin", "project", "inferred"] = "builtin"
    needs: str = ""
    """A regular expression that the text of the acquiring call must match somewhere."""
    paired: bool = False
    """Letting it go is right in places: it is spoken of only in functions that release it on some way."""
    events: bool = False
    """Lives by its events once it has a handler: who gave it one may well let it live."""
    guarded: bool = False
    """Some of its kind have no such method: a repair asks for it before the call."""
    unscoped: bool = False
    """A scope of its runtime may release it around any function that waits for nothing (`tf.tidy`)."""
    begins: tuple[str, ...] = ()
    """Methods from which on it holds something, where making it alone acquires nothing ("listen")."""

    def __hash__(self) -> int:
        return hash(self.id)  # tables of resources are keys of caches, looked up for every file


class Op(NamedTuple):
    """One operation. Which fields carry meaning depends on `kind`; see there.

    `fallible`: an error edge of the block leaves from here (an ACQUIRE that fails has acquired nothing; a
    RELEASE that fails counts as released).
    `at`: the span of the whole statement; `expression`: of the acquiring, releasing or using expression in it.
    """

    kind: Kind
    place: str
    at: Span
    detail: str = ""
    other: str = ""
    value: str = ""
    expression: Span | None = None
    resource: Resource | None = None
    fallible: bool = False
    cleanup: bool = False
    """Stands in code that runs on the way out: finally, with, defer, an error handler."""


EdgeKind = Literal["normal", "error", "loop", "exit"]


class Edge(NamedTuple):
    """Control goes from a block to `target` (an index, EXIT or FAIL).

    `line`: for exit and error edges, where control leaves. `place`/`empty`: the edge is taken only when the
    place holds nothing (`empty` True) or holds something (False); None means unconditional.
    `note`: words for a witness ("return", "fetch() raises"). `at`: the statement that jumps (return, continue,
    break, raise), where there is one. `passes`: on an error edge that a handler misses because it is too narrow
    (`except Exception` and a cancellation), the span of the type it names; only where the handler raises again.
    """

    kind: EdgeKind
    target: int
    line: int = 0
    note: str = ""
    place: str = ""
    empty: bool | None = None
    at: Span | None = None
    passes: Span | None = None


@dataclass(slots=True)
class Block:
    """A straight run of operations. Only the last one may be fallible (its error edges leave from there)."""

    ops: list[Op] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


@dataclass(slots=True)
class Function:
    """The control-flow graph of one function; block 0 is the entry.

    Cleanup code (finally, with, defer) is copied onto every way out, so the graph needs no scopes.
    """

    symbol: str
    parameters: tuple[str, ...]
    at: Span
    blocks: list[Block] = field(default_factory=list)
    owner: str = ""
    """The container it is a method of."""
    asynchronous: bool = False
    generator: bool = False
    heedless: bool = False
    """Its file holds no cleanup for errors at all: who wrote it does not expect memory to run out."""


def aliases(ways: Sequence[tuple[str, str]], place: str) -> set[str]:
    """Every name that what a place holds may have. `ways`: the `moves` of its function."""
    found = {place}
    while new := {other for origin, other in ways if origin in found} - found:
        found |= new
    return found


def moves(function: Function) -> list[tuple[str, str]]:
    """From which place to which one a function moves values."""
    return [(op.place, op.other) for block in function.blocks for op in block.ops if op.kind is Kind.MOVE]


@dataclass(frozen=True, slots=True)
class Event:
    """One operation on a member of a container.

    `method`: the method (or module-level function, "" at module level) it stands in. `key`: the text of the
    key for grow/shrink/read by key. `argument`: the text of the value put in, or of the bound. `repeats`:
    the code runs again and again (loop, handler, public method; not a constructor). `how`: the operation as
    written: append, setitem, setdefault, add, extend, update, +=, pop, del, clear, discard, slice, deque...
    `alias`: reached through a local name or an element of the member.
    """

    kind: Kind
    method: str
    at: Span
    how: str = ""
    key: str = ""
    argument: str = ""
    detail: str = ""
    repeats: bool = False
    conditional: bool = False
    alias: bool = False
    resource: Resource | None = None
    statement: Span | None = None
    """The whole statement the operation stands in, where a repair may go behind it."""
    target: str = ""
    """The text of the collection that is changed, as written there: `self.jobs`, `self.jobs[name]`, `bucket`."""
    depth: int = 0
    """0: the member itself is changed; 1: an element of it (`self.jobs[name].append(job)`); 2: deeper."""
    certain: str = ""
    """Of a release: why nothing of the member is left behind, whatever happens; "" where that is not certain."""


@dataclass(slots=True)
class Member:
    """A member of a container (or a module-level name) and all that happens to it in this file."""

    name: str
    events: list[Event] = field(default_factory=list)

    def of(self, *kinds: Kind) -> list[Event]:
        """The events of these kinds, in the order of the source."""
        return [event for event in self.events if event.kind in kinds]


Lives = Literal["module", "long", "short", "local", "unknown"]


@dataclass(slots=True)
class Container:
    """A class, a struct or a module: who lists members. `lives` is how long one lives, with its evidence."""

    name: str
    kind: Literal["class", "struct", "module"]
    at: Span
    bases: tuple[str, ...] = ()
    members: dict[str, Member] = field(default_factory=dict)
    methods: dict[str, Span] = field(default_factory=dict)
    teardowns: tuple[str, ...] = ()
    """Methods that end an instance's life, the strongest first: close, stop, shutdown, __exit__, ..."""
    lives: Lives = "unknown"
    evidence: tuple[Step, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)
    """Attributes whose names state a limit and that nothing reads ("self.max_jobs"), with the line of each."""
    called: tuple[str, ...] = ()
    """Methods that this file calls itself, in code that is neither a teardown nor a constructor."""
    apart: tuple[str, ...] = ()
    """Methods that release a member and that no teardown reaches, nor anything that is handed on to be called."""
    this: str = "self"
    """How its methods name the object."""
    keeper: str = ""
    """A call that keeps its argument until the object ends, and ends it then: "this._register({})"."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A task spawned, a timer started, a listener or hook registered: and what becomes of it.

    `what`: task, timer, listener, hook. `target`: on what ("asyncio", "self.bus", "atexit"). `key`: event
    or name. `handler`: its text. `handle`: the place that keeps the handle, "" when it is dropped.
    `outlives`: the target outlives the registering object; `evidence` says why. `removals`: the
    unregistrations of the same target in the container, whatever they name. `looped`: stands in a loop or in
    code that runs again and again. `endless`: the spawned code never ends by itself.
    """

    what: Literal["task", "timer", "listener", "hook"]
    symbol: str
    owner: str
    method: str
    at: Span
    statement: Span
    call: str
    target: str = ""
    key: str = ""
    handler: str = ""
    handle: str = ""
    outlives: bool = False
    looped: bool = False
    endless: bool = False
    once: bool = False
    guarded: bool = False
    """A check (or a replace-by-key) keeps it from being registered twice."""
    remove: str = ""
    """How this kind is undone: "off", "remove_listener", "cancel", "atexit.unregister"."""
    removals: tuple[Removal, ...] = ()
    evidence: tuple[Step, ...] = ()
    holds: Literal["method", "self", "throwaway", "made", "name", "other"] = "other"
    """What the handler is: a bound method of the object, the object itself, one that is made on the spot and
    so equals no other (lambda, partial), an object made in the same call, a plain name."""
    shared: bool = False
    """The target is one for the whole process."""
    own: bool = False
    """The target was made by the registering object itself (or is that object)."""
    telling: bool = False
    """With a teardown that does not undo it, this kind of registration is evidence enough."""
    teardown: str = ""
    """The method of the owner in which the undoing should stand, "" when there is none."""
    kept: bool = False
    """The handle (or the target) is seen by code that may well end it: nothing is known, nothing is said."""
    pending: bool = False
    """Waited for in a way that may leave it running (the first of several, a time limit), and not ended then."""
    fading: bool = False
    """It starts itself again, and decides each time whether it does."""
    resumes: int = 0
    """The line at which the function hands over and goes on at the end of a service's life, 0 for none."""
    handler_at: Span | None = None
    weakly: str = ""
    """The handler written so that it does not hold the object, where the registry hands the object over itself."""
    alive: str = ""
    """How the handle is asked whether it may still be ended (".active()"), "" where ending it twice is harmless."""
    preset: bool = False
    """The member that keeps the handle is set in the constructor, so a teardown may ask for it at any time."""
    optional: bool = False
    """The handle's member (or the target) may hold nothing at the time of the teardown."""
    swept: str = ""
    """A teardown that uses the target and does not undo this."""
    keeper: str = ""
    """A collection in which the owner (or the module) already keeps such handles."""


@dataclass(frozen=True, slots=True)
class Removal:
    """An unregistration, cancellation or clearing."""

    method: str
    at: Span
    target: str
    key: str
    handler: str
    teardown: bool
    call: str = ""
    statement: Span | None = None
    handler_at: Span | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Something read whole: `what` is file, query, channel or batch; `bounded` when a limit was seen."""

    what: Literal["file", "query", "channel", "batch"]
    symbol: str
    place: str
    at: Span
    statement: Span
    call: str
    bounded: bool = False
    repeats: bool = False
    evidence: tuple[Step, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Idiom:
    """A leak that is an idiom of one language and was recognised by its folder; a rule of the same `name`
    holds the words and the examples. `intents` are the repairs that the idiom admits, cheapest first."""

    name: str
    symbol: str
    place: str
    at: Span
    message: str
    steps: tuple[Step, ...]
    evidence: tuple[Step, ...] = ()
    confidence: Confidence = "high"
    intents: tuple[Intent, ...] = ()
    refusal: str = ""
    """Why no repair is offered, where there is no intent."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a repair should achieve; a language's printer turns it into edits or refuses and says why.

    `do` is one of repairbot.lifetimes.intents; `at` the operation to repair (its span in the source);
    `args` whatever that kind of intent documents. `safety`, `choice` and `why` go into the fix; `why` names the
    evidence for the repair or its bound in words ("the last 100 an agent (line 52)").
    """

    do: str
    at: Span
    place: str = ""
    title: str = ""
    args: dict[str, str] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    safety: Literal["safe", "unsafe"] = "safe"
    choice: str = ""
    why: str = ""
    owners: tuple[Span, ...] = ()
    """The statements that give the value to another owner, where a cleanup for errors must have ended."""

    def __hash__(self) -> int:
        return hash((self.do, self.at, self.place))


Effect = Literal["borrows", "keeps", "takes", "releases", "returns", "unknown"]
"""`takes`: owned by the callee even when it fails."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a function does with its arguments and what it returns, as its callers need it.

    `effects`: by parameter name. `returns`: the id of a resource that the caller owns then, or "".
    `slots`: where it returns a tuple, which elements are that resource.
    """

    name: str
    parameters: tuple[str, ...] = ()
    effects: dict[str, Effect] = field(default_factory=dict)
    returns: str = ""
    slots: tuple[int, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(slots=True)
class Unit:
    """One lowered file: all that analyses and rules may look at. No source text in it.

    `exports`: summaries of what other files may call, by dotted name within the module. `asks`: dotted names
    of callees in other modules whose summary would have mattered; `makers`: of those that may hand out a resource,
    by their names, and matter only if they do. `resources_made`: classes of this file
    that are resources themselves (they hold one and have a release), for the project pass.
    """

    path: str
    language: str
    functions: list[Function] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    idioms: list[Idiom] = field(default_factory=list)
    safe: list[SafePattern] = field(default_factory=list)
    skipped: list[Step] = field(default_factory=list)
    """Functions passed over: where and why."""
    exports: dict[str, Summary] = field(default_factory=dict)
    asks: set[str] = field(default_factory=set)
    makers: set[str] = field(default_factory=set)
    resources_made: list[Resource] = field(default_factory=list)
    unknown: int = 0
    heard: dict[tuple[int, int], str] = field(default_factory=dict)
    """What its functions told each other: of which one (by its number in the file) and which of its parameters."""
    hints: object = None
    """What its front end found and looks up when it lowers a version of the file; nobody else's."""

    @property
    def bare(self) -> bool:
        """Whether there is nothing in it that an analysis could look at."""
        return not (self.functions or self.containers or self.registrations or self.loads or self.idioms)
