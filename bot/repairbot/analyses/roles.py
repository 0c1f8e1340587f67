"""What names tell of a collection: its role, what its keys are, what a method is called for."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Final, Literal

from repairbot.lazily import regex
from repairbot.lifetimes.ops import Event, Kind, Member

_ONCE: Final = frozenset(
    ("", "__init__", "__new__", "__post_init__", "initialize", "setup", "constructor", "onAdd")
)
Role = Literal["history", "cache", "registry", "builder", "unknown"]
KeyKind = Literal["per-request", "instance", "finite", "unknown", ""]

_HISTORY: Final = regex(
    r"(?:^|_)(?:history|histories|logs?|log_entries|entries|records?|metrics|samples?|latenc(?:y|ies)|timings?"
    r"|durations?|errors?|failures?|events?|traces?|audit\w*|measurements?|observations?|readings?|snapshots?|alerts?"
    r"|violations?|response_times?|\w*_times|attempts?|activit(?:y|ies)"
    r"|incidents?|transactions?|executions?|decisions?|feedbacks?|interactions?|data_?points|breadcrumbs?|timeline"
    r"|journal|timestamps)$",
    re.IGNORECASE,
)
_CACHE: Final = regex(
    r"(?:^|_)(?:cache[sd]?|memo|memoized|lookups?|locks?|lru|instances|clients)(?:$|_)|cache",
    re.IGNORECASE,
)
_REGISTRY: Final = regex(
    r"(?:handlers?|listeners?|callbacks?|plugins?|observers?|hooks?|routes?|subscribers?|extensions?|commands?"
    r"|middlewares?|filters?|processors?|factories|registry|types|classes|providers?|backends?|converters?|adapters"
    r"|rules|validators?|serializers?|strategies|modules|components|views|children|parents?|widgets|fields|columns"
    r"|args|kwargs|options|params|parameters|settings|config\w*|aliases|mapping|headers|names?|schemas?|templates"
    r"|functions|methods|signals|services|devices|entities|platforms|sensors|channels|stack|buffer|lines|parts|chunks"
    r"|tokens|nodes|edges|steps|stages|tests|layers|deps|dependencies|imports|sections)$",
    re.IGNORECASE,
)
WAITERS: Final = regex(
    r"(?:^|_)(?:waiters?|getters|putters|pending\w*|futures?|inflight|in_flight|outstanding\w*)$"
)

_PER_REQUEST: Final = regex(
    r"(?:^|[._\['\"(])(?:u?u?ids?|guid|sid|token|ident|get_ident\(\)|session|session_\w+|request|req"
    r"|hosts?|hostname|origin|addr|address|peer|peername|ip|client_ip|remote_addr|remote|url|uri|timestamp|thread"
    r"|current_thread\(\)|get_native_id\(\)|user|username|nonce|digest|bucket|fingerprint|correlation_id|email|jid|pid)"
    r"(?:\)|'\]|\"\])*$",
    re.IGNORECASE,
)
_FINITE: Final = regex(
    r"^(?:[rbuf]*['\"].*|[A-Z][A-Z0-9_]*|\d+|.*(?:__name__|__qualname__|__module__|\.name|\.kind|\.type|\.slot"
    r"|\.value|\.fn|\.func|_name|_type|_class|\.op|\.method))$|^(?:name|kind|type|slot|field|attr|column|option|level|category|method"
    r"|status|state|code|op|operation|lang|language|locale|key_type|opt|param|arg|module|plugin|ext|suffix|priority"
    r"|domain|platform|idx|index|i|j|n|version|group|section|fd|fileno|index\w*|opcode|prefix|alias|unit)$",
    re.DOTALL,
)
_INSTANCE: Final = regex(
    r"^(?:self|cls|klass|clazz|class_|type\(\w+\)|id\([\w.]+\)|[\w.]+\.__class__|[\w.]*_ident\(\)|[\w.]*loop)$"
)
_OBJECT: Final = regex(
    r"^(?:\w*_)?(?:conn|connection|client|websocket|ws|sock|socket|task|future|job|worker|loop|obj|instance|thread"
    r"|peer|protocol|transport|session|request|callback|func|fn|fun|function|callable)$"
)
EVENT_METHODS: Final = regex(
    r"^_{0,2}(?:async_)?(?:on_|handle|record|log|track|emit|observe|collect|report|notify|request|receive|process|dispatch"
    r"|capture|sample|measure|update_stats|audit|call|execute|append|write|feed|increment|count|add_(?:sample|metric|event"
    r"|error|record|entry|alert|data|measurement|result|message|log|history|transaction)|save_|store_"
    r"|publish|send|check|monitor|analy[sz]e|predict|evaluate|generate|acquire|wait|fetch|query|poll|tick|step|trigger"
    r"|\w*_received$|\w*_hit|__call__|\w+_event$)"
)
REGISTERING: Final = regex(
    r"^_{0,2}(?:async_)?(?:register|subscribe|add_(?:handler|listener|callback|observer|route|hook|plugin|command|filter"
    r"|auth|credentials?|password|provider|middleware|backend|extension|rule|alias)s?(?:_|$)"
    r"|connect|bind|install|attach|mount|include|define|declare|add_argument|setup|configure|load|init|build|parse|visit"
    r"|compile|extend|from_|to_|__init_subclass__|__set_name__|decorator|wrap|inner|document|read_|main"
    r"|test_|setUp|set_up|render|format|generate_|convert|transform|scan|walk|import)"
)
ENDINGS: Final = regex(
    r"^_?(?:on_|handle_)?(?:\w*_)?(?:closed?|finished|done|ended?|removed?|disconnect(?:ed)?|leave|left|gone|complete[d]?"
    r"|expired?|deleted?|unregister\w*|unsubscribe\w*|detach\w*|logout|exited|lost)$"
)
MANUAL: Final = regex(
    r"^(?!.*(?:old|expired|stale|idle|dead))_?(?:async_)?(?:clear|reset|cleanup|clean_up|close|aclose|stop|shutdown|dispose|destroy|delete|invalidate|clear_\w+"
    r"|reset_\w+|cleanup_\w+|stop_\w+|delete_\w+|invalidate_\w+|ng_on_destroy|component_will_unmount|disconnected_callback|on_remove|to_disposable|\w+_clear|\w+_reset|terminate|disconnect|teardown|__exit__"
    r"|__aexit__|__del__|__delitem__|tearDown|tear_down|load\w*|_load\w*|restore\w*|__setstate__|reset_state)$"
)
"""Removal that somebody has to ask for."""


RESTORING: Final = regex(r"^_?(?:async_)?(?:load|restore|read|refresh|__setstate__)")
"""Methods that put back what was stored."""
LOADING: Final = regex(r"^_{0,2}(?:async_)?(?:load|restore|__setstate__)")
SAVING: Final = regex(r"^_{0,2}(?:async_)?(?:save|persist|dump|export|write|flush|__getstate__)")
TRANSIENT: Final = regex(
    r"(?:event|request|req|session|message|msg|job|task|call|query|transaction|correlation|conn|connection|client|ticket"
    r"|trace|span|user|visitor|upload|token|uuid|guid|nonce|thread|ident|host|hostname|origin|addr|address|peer|remote|url|uri"
    r"|chat|conversation|run|invocation|execution|bucket|timestamp|email|order|future|websocket|socket"
    r")(?:\._?(?:uu)?id|_id|_key|_hash|_name)?(?:\(\)|['\"\])])*$",
    re.IGNORECASE,
)
"""Keys that name what comes and goes."""


@cache
def snake(name: str) -> str:
    """A name as it would be written with underscores: `handleMessage` is `handle_message`, `[kClose]` is `close`."""
    bare = re.sub(r"^\[k(?=[A-Z])|^\[(?=\w+\]$)|(?<=\w)\]$|^#", "", name) if name[:1] in "[#" else name
    if not re.search(r"[a-z0-9][A-Z]", bare):
        return bare.lower() if bare != name else bare
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare).lower()


def keys_of(grows: tuple[Event, ...]) -> KeyKind:
    """What the keys of all these are, the most telling first."""
    kinds: list[KeyKind] = [key_kind(event.key, event.argument) for event in grows]
    ranked: tuple[KeyKind, ...] = ("instance", "per-request", "unknown", "finite")
    for kind in ranked:
        if kind in kinds:
            return kind
    return ""


def rebuilt(member: Member, methods: Collection[str] = ()) -> list[Event]:
    """Where a member gets a new value in the course of work (putting back what was stored is none).

    `methods`: those that fill it; a new value in one of them counts however often it runs.
    """
    return [
        event
        for event in member.of(Kind.INIT)
        if (event.repeats or event.method in methods)
        and event.method not in _ONCE
        and event.detail != "none"
        and (not RESTORING.match(event.method) or {event.method} == set(methods))
    ]


def role_of(name: str) -> Role:
    """What a collection of this name is for."""
    bare = snake(name.rpartition(".")[2]).strip("_")
    if _REGISTRY.search(bare) and not _CACHE.search(bare):
        return "registry"
    if _CACHE.search(bare):
        return "cache"
    if _HISTORY.search(bare):
        return "history"
    return "unknown"


def key_kind(key: str, value: str) -> KeyKind:
    """What a key is made of, by its text and by that of the value stored under it."""
    if not key:
        return ""
    if value == "cls" and _FINITE.match(key):
        return "finite"  # a class registered under its name
    if _INSTANCE.match(key) or value in ("self", "cls"):
        return "instance"
    if _FINITE.match(key):
        return "finite"
    spelled = snake(key)
    if _PER_REQUEST.search(spelled if spelled == key else spelled.removesuffix("_key")):
        return "per-request"
    if _OBJECT.match(key):
        return "instance"
    return "unknown"
