"""What is read whole, and channels that take more than is taken out of them."""

from __future__ import annotations

import re
from typing import Final

from repairbot.languages.rust.body import Body, bare, chain, method, receiver
from repairbot.languages.rust.tree import N
from repairbot.lifetimes.ops import Load
from repairbot.model import Step

_LARGE: Final = re.compile(r"log|dump|export|trace|history|journal|csv|jsonl|archive|backup", re.IGNORECASE)
_LIMITED: Final = re.compile(
    rb"content_length|size_hint|Limited|LengthLimit|DefaultBodyLimit|MAX_BODY|max_body|body_limit"
)


def loads(body: Body) -> None:
    """The files and request bodies that one function reads at once, and its channels without a capacity."""
    body.loads += [*_lines(body), *_bodies(body)]
    if b"unbounded" in body.definition.source:
        _channels(body)


def _lines(body: Body) -> list[Load]:
    """`let text = fs::read_to_string(path)?; for line in text.lines() {}`, and nothing else looks at the text."""
    found: list[Load] = []
    for let in body.nodes:
        if let.kind != "let" or len(let.names) != 1:
            continue
        made = _reading(let.parts[0])
        if made is None:
            continue
        name = let.names[0]
        uses = [
            node for node in body.nodes if node.kind == "name" and node.text == name and node.start > let.end
        ]
        behind = body.module.source[let.end : body.root.end]
        if len(uses) != 1 or len(re.findall(rf"\b{name}\b".encode(), behind)) != 1:
            continue
        if not _walked(body, uses[0]) or _sized(body, made):
            continue
        path = body.text(made.parts[1])
        line = body.line(uses[0])
        evidence = (Step(line, "its lines are walked once"),)
        found.append(
            Load(
                "file",
                body.definition.symbol,
                path if re.fullmatch(r"[\w.&()]{1,40}", path) else name,
                body.module.at(made),
                body.module.at(let),
                body.text(made.first),
                evidence=evidence if _LARGE.search(path) else (),
                detail="lines",
            )
        )
    return found


def _reading(value: N | None) -> N | None:
    """The call of `fs::read_to_string` below `?`, `.unwrap()` and their kin."""
    for node in chain(value):
        if node.kind == "call" and node.first.kind == "path" and len(node.parts) == 2:
            return node if re.fullmatch(r"(?:\w+::)*fs::read_to_string", node.first.text) else None
    return None


def _walked(body: Body, use: N) -> bool:
    """Whether a text is taken line by line by a loop."""
    field = body.parents.get(id(use))
    call = body.parents.get(id(field)) if field is not None else None
    loop = body.parents.get(id(call)) if call is not None else None
    return (
        field is not None
        and field.kind == "field"
        and field.text == "lines"
        and loop is not None
        and loop.kind == "for"
        and loop.parts[0] is call
    )


def _sized(body: Body, made: N) -> bool:
    return any(method(node) in ("metadata", "len") for node in body.calls if node.end <= made.start)


def _bodies(body: Body) -> list[Load]:
    """`to_bytes(request.into_body())`: all that a client sends, however much that is."""
    found: list[Load] = []
    if _LIMITED.search(body.module.source):
        return found
    for call in body.calls:
        if (
            not re.fullmatch(r"(?:\w+::)*body::(?:to_bytes|aggregate)", body.flat(call.first))
            or len(call.parts) != 2
        ):
            continue
        root = bare(list(chain(call.parts[1]))[-1])
        if root is None or root.kind != "name":
            continue
        typed = body.definition.type_of(root.text)
        if not re.match(r"(?:&mut )?(?:\w+::)*Request\s*<", typed):
            continue
        found.append(
            Load(
                "file",
                body.definition.symbol,
                root.text,
                body.module.at(call),
                body.module.at(body.statement(call)),
                body.text(call.first),
                evidence=(Step(body.line(call), f"{root.text} comes from a client"),),
            )
        )
    return found


# Channels


_READS: Final = re.compile(r"read(?:_\w+)?|recv|accept|next|next_line|lines")
_SENDS: Final = frozenset({"send", "unbounded_send"})


def _channels(body: Body) -> None:
    """Report an unbounded channel between a loop that reads from outside and one that works on each message."""
    for let in body.nodes:
        made = bare(let.parts[0]) if let.kind == "let" and len(let.names) == 2 else None
        if made is None or not re.search(r"unbounded(?:_channel)?(?:::<.*>)?\(\)$", body.flat(made)):
            continue
        sender, taker = let.names
        fast = next(
            (loop for loop in body.nodes if loop.kind in ("loop", "while") and _feeds(loop, sender)), None
        )
        slow = next(
            (loop for loop in body.nodes if loop.kind in ("loop", "while") and _works(loop, taker)), None
        )
        if fast is None or slow is None or fast is slow:
            continue
        body.report(
            "unbounded-channel",
            let,
            sender,
            f"{sender} takes whatever comes in, however slowly {taker} is read",
            (
                Step(body.line(let), "a channel without a capacity"),
                Step(body.line(fast), "fed as fast as the other side sends"),
                Step(body.line(slow), "each message waits for the work on the one before"),
            ),
            confidence="medium",
            refusal="how many messages may wait, and who waits then, is for the project to choose",
        )


def _feeds(loop: N, sender: str) -> bool:
    """Whether a loop reads from outside and sends what it got."""
    reads = sends = False
    for node in loop.walk():
        if node.kind != "call":
            continue
        root = list(chain(receiver(node)))[-1:]
        if method(node) in _SENDS and root and root[0].text == sender:
            sends = True
        reads = reads or (
            _READS.fullmatch(method(node)) is not None and bool(root) and root[0].text != sender
        )
    return reads and sends


def _works(loop: N, taker: str) -> bool:
    """Whether a loop takes messages one by one, and waits for something else on each."""
    if loop.kind != "while":
        return False
    head, inside = loop.parts[0], loop.parts[1]
    if head is None or inside is None:
        return False
    takes = any(
        node.kind == "call"
        and method(node) in ("next", "recv")
        and [each.text for each in chain(receiver(node))][-1:] == [taker]
        for node in head.walk()
    )
    return takes and any(node.kind == "await" for node in inside.walk())
