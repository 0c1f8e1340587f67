"""Lowers one Python function to a control-flow graph of lifetime operations.

Only functions in which something is acquired come here. What an expression yields is followed as far as a
name goes; where a tracked value goes anywhere else, an operation says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree_sitter import Node

from repairbot.languages.python import acquiring
from repairbot.languages.python.acquiring import Acquiring
from repairbot.languages.python.graph import Graph, Handler, Scope
from repairbot.languages.python.sites import positional
from repairbot.languages.python.syntax import Definition, Module, dotted, span, text
from repairbot.lifetimes.ops import Function, Kind, Op, Resource
from repairbot.model import Span

Summarise = Callable[[Definition | None, str, int, str], str]
"""(the calling function, callee text, argument position, keyword) -> effect on that argument, "" unknown."""

_CLOSING = ("contextlib.closing", "contextlib.aclosing")
_CATCH_ALL = ("BaseException",)
_SKIPPED = frozenset(
    (
        "comment",
        "pass_statement",
        "import_statement",
        "import_from_statement",
        "future_import_statement",
        "global_statement",
        "nonlocal_statement",
        "type_alias_statement",
        "line_continuation",
    )
)


class Lowering:
    """One function on its way into a graph."""

    def __init__(
        self, module: Module, acquiring_: Acquiring, definition: Definition | None, summarise: Summarise
    ) -> None:
        self.module = module
        self.table = acquiring_
        self.definition = definition
        self.summarise = summarise
        self.counter = 0
        node = definition.node if definition else module.root
        owner = definition.owner if definition else None
        self.function = Function(
            symbol=definition.symbol if definition else "<module>",
            parameters=definition.parameters if definition else (),
            at=span(node),
            owner=owner.name if owner else "",
            asynchronous=definition.asynchronous if definition else False,
        )
        self.graph = Graph(self.function)
        self.globals = self._globals(node)
        self.tracked: dict[str, set[Resource]] = {}
        self._find_tracked(node)

    def lower(self) -> Function:
        """The whole body."""
        body = self.definition.body if self.definition else self.module.root
        assert body is not None, "a function without a body does not parse"
        self.block(body)
        if self.graph.current is not None:
            last = span(body)
            self.graph.leave(last._replace(line=last.end_line), "ends", jump=False)
        return self.function

    # What is tracked

    def _globals(self, node: Node) -> frozenset[str]:
        from repairbot.languages.python.syntax import captures

        if b"global " not in (node.text or b""):
            return frozenset()
        found = captures("(global_statement) @g", node).get("g", [])
        return frozenset(text(child) for statement in found for child in statement.named_children)

    def _find_tracked(self, node: Node) -> None:
        """The names that something acquired is given in this function, and their aliases."""
        from repairbot.languages.python.syntax import captures

        found = captures("(assignment) @a (as_pattern) @w (named_expression) @n", node)
        aliases: list[tuple[str, str]] = []
        for assignment in found.get("a", []):
            left, right = assignment.child_by_field_name("left"), assignment.child_by_field_name("right")
            if left is None or right is None:
                continue
            self._track_targets(left, right, aliases)
        for pattern in found.get("w", []):
            if len(pattern.named_children) == 2:
                self._track_targets(pattern.named_children[1], pattern.named_children[0], aliases)
        for walrus in found.get("n", []):
            name, value = walrus.child_by_field_name("name"), walrus.child_by_field_name("value")
            if name is not None and value is not None:
                self._track_targets(name, value, aliases)
        changed = True
        while changed:
            changed = False
            for name, origin in aliases:
                extra = self.tracked.get(origin, set()) - self.tracked.get(name, set())
                if extra:
                    self.tracked.setdefault(name, set()).update(extra)
                    changed = True

    def _track_targets(self, left: Node, right: Node, aliases: list[tuple[str, str]]) -> None:
        acquired = {resource for call in _calls(right) if (resource := self.table.resource(call)) is not None}
        names = [text(leaf) for leaf in _leaves(left)]
        for name in names:
            if acquired:
                self.tracked.setdefault(name, set()).update(acquired)
            aliases.extend((name, text(leaf)) for leaf in _mentioned(right))

    def nameless(self) -> str:
        """A place for a value that gets no name."""
        self.counter += 1
        return f"%{self.counter}"

    def methods(self, place: str) -> frozenset[str]:
        """The names of the methods that release what this place may hold."""
        found: frozenset[str] = frozenset()
        for resource in self.tracked.get(place, ()):
            found |= self.table.release_methods(resource)
        return found or acquiring.GENERIC_RELEASES

    # Statements

    def block(self, node: Node) -> None:
        """A run of statements."""
        for statement in node.named_children:
            if self.graph.current is None:
                return
            if statement.type not in _SKIPPED:
                self.statement(statement)

    def statement(self, node: Node) -> None:
        """One statement."""
        method = getattr(self, f"on_{node.type}", None)
        if method is not None:
            method(node)
        else:
            for child in node.named_children:
                self.consume(child, node)

    def on_expression_statement(self, node: Node) -> None:
        for child in node.named_children:
            if child.type == "assignment":
                self.assignment(child, node)
            elif child.type == "augmented_assignment":
                self.augmented(child, node)
            else:
                self.drop(self.value(child, node), child, node)

    def assignment(self, node: Node, statement: Node) -> None:
        """`a = b = value`, annotated or not."""
        targets: list[Node] = []
        current: Node | None = node
        right: Node | None = None
        while current is not None and current.type == "assignment":
            left = current.child_by_field_name("left")
            if left is not None:
                targets.append(left)
            right = current.child_by_field_name("right")
            current = right
        if right is None or not targets:
            return
        at = span(statement)
        if (
            right.type in ("expression_list", "tuple")
            and targets[0].type in ("pattern_list", "tuple_pattern")
            and len(targets) == 1
            and len(right.named_children) == len(targets[0].named_children)
        ):
            pairs = list(zip(targets[0].named_children, right.named_children, strict=True))
            places = [self.value(value, statement, dotted(target)) for target, value in pairs]
            for (target, value), place in zip(pairs, places, strict=True):
                self.bind(target, value, place, at)
            return
        wanted = dotted(targets[-1]) if targets[-1].type in ("identifier", "attribute") else ""
        place = self.value(right, statement, wanted)
        if targets[-1].type in ("pattern_list", "tuple_pattern", "list_pattern") and self._slots(
            targets[-1], right, at
        ):
            return
        for target in reversed(targets):
            self.bind(target, right, place, at)

    def _slots(self, target: Node, right: Node, at: Span) -> bool:
        """`r, w = os.pipe()`: the elements of a tuple are acquired."""
        call = right.named_children[0] if right.type == "await" and right.named_children else right
        resource = self.table.resource(call) if call.type == "call" else None
        if resource is None or not resource.slots:
            return False
        for index, child in enumerate(target.named_children):
            if index in resource.slots:
                place = dotted(child)
                if place and place != "_":
                    self.acquire(place, resource, at, span(call), fallible=False)
            else:
                self.clear(dotted(child), at, "")
        return True

    def bind(self, target: Node, value: Node, place: str, at: Span) -> None:
        """Give one target the value that `place` holds ("" when that is not tracked)."""
        if target.type in ("pattern_list", "tuple_pattern", "list_pattern"):
            if place:
                self.graph.emit(Op(Kind.UNKNOWN, place, at, detail="unpacked"))
            for child in target.named_children:
                self.clear(dotted(child), at, "")
            return
        if target.type == "type":
            return
        name = dotted(target)
        if target.type == "identifier":
            if place and place != name:
                self.graph.emit(Op(Kind.MOVE, place, at, other=name))
            elif not place:
                self.clear(name, at, _emptiness(value))
            if place and name in self.globals:
                self.graph.emit(Op(Kind.ESCAPE, name, at, detail="stored", other=name))
            return
        if place and place != name:
            self.graph.emit(Op(Kind.ESCAPE, place, at, detail="stored", other=name))
        elif not place and target.type == "attribute":
            self.clear(name, at, _emptiness(value))
        if target.type == "subscript":
            for child in target.named_children:
                self.consume(child, target, USE_ONLY)

    def augmented(self, node: Node, statement: Node) -> None:
        right = node.child_by_field_name("right")
        if right is not None:
            place = self.value(right, statement)
            if place:
                self.graph.emit(Op(Kind.ESCAPE, place, span(statement), detail="stored"))
        left = node.child_by_field_name("left")
        if left is not None and left.type == "identifier":
            self.clear(text(left), span(statement), "")

    def on_return_statement(self, node: Node) -> None:
        at = span(node)
        for child in node.named_children:
            self.hand_over(child, node, "returned")
        self.graph.leave(at, "return")

    def hand_over(self, node: Node, statement: Node, how: str) -> None:
        """Lower an expression whose value leaves this function, whole or as part of a display."""
        if node.type in (
            "tuple",
            "expression_list",
            "list",
            "dictionary",
            "set",
            "pair",
            "parenthesized_expression",
        ):
            for child in node.named_children:
                self.hand_over(child, statement, how)
            return
        place = self.value(node, statement)
        if place:
            self.graph.emit(Op(Kind.ESCAPE, place, span(statement), detail=how))

    def on_delete_statement(self, node: Node) -> None:
        for child in node.named_children:
            for leaf in child.named_children if child.type == "expression_list" else (child,):
                name = dotted(leaf)
                if name in self.tracked:
                    self.graph.emit(Op(Kind.UNKNOWN, name, span(node), detail="deleted"))
                self.clear(name, span(node), "none")

    def on_raise_statement(self, node: Node) -> None:
        for child in node.named_children:
            self.consume(child, node)
        self.graph.raises(span(node))

    def on_assert_statement(self, node: Node) -> None:
        for child in node.named_children[:1]:
            self.consume(child, node)
        self.graph.emit(Op(Kind.CALL, "", span(node), detail="assert", fallible=True), "assert fails")

    def on_break_statement(self, node: Node) -> None:
        self.graph.jump(span(node), "break")

    def on_continue_statement(self, node: Node) -> None:
        self.graph.jump(span(node), "continue")

    def on_if_statement(self, node: Node) -> None:
        behind = self.graph.block()
        condition = node.child_by_field_name("condition")
        consequence = node.child_by_field_name("consequence")
        clauses = [child for child in node.named_children if child.type in ("elif_clause", "else_clause")]
        self._branch(condition, consequence, clauses, node, behind)
        self.graph.current = behind if self._reached(behind) else None

    def _branch(
        self,
        condition: Node | None,
        consequence: Node | None,
        clauses: list[Node],
        statement: Node,
        behind: int,
    ) -> None:
        then, otherwise = self.graph.block(), self.graph.block()
        if condition is not None:
            self.condition(condition, then, otherwise, statement)
        self.graph.current = then if self._reached(then) else None
        if consequence is not None and self.graph.current is not None:
            self.block(consequence)
        self.graph.goto(behind)
        self.graph.current = otherwise if self._reached(otherwise) else None
        if clauses and self.graph.current is not None:
            first, *rest = clauses
            if first.type == "elif_clause":
                self._branch(
                    first.child_by_field_name("condition"),
                    first.child_by_field_name("consequence"),
                    rest,
                    first,
                    behind,
                )
            else:
                body = first.child_by_field_name("body")
                if body is not None:
                    self.block(body)
        self.graph.goto(behind)

    def _reached(self, block: int) -> bool:
        """Whether some edge leads to a block made ahead of its predecessors."""
        return any(edge.target == block for other in self.function.blocks for edge in other.edges)

    def on_while_statement(self, node: Node) -> None:
        head, body, done, behind = (self.graph.block() for _ in range(4))
        self.graph.goto(head)
        self.graph.current = head
        condition = node.child_by_field_name("condition")
        if condition is not None:
            self.condition(condition, body, done, node)
        self._loop(node, head, body, done, behind)

    def on_for_statement(self, node: Node) -> None:
        right, left = node.child_by_field_name("right"), node.child_by_field_name("left")
        place = self.value(right, node) if right is not None else ""
        head, body, done, behind = (self.graph.block() for _ in range(4))
        self.graph.goto(head)
        self.graph.current = head
        if place:
            self.graph.emit(
                Op(Kind.USE, place, span(node), detail="iterated", fallible=True), "the iteration can raise"
            )
        elif any(child.type == "async" for child in node.children):
            self.graph.emit(
                Op(Kind.CALL, "", span(node), detail="async for", fallible=True), "the iteration can raise"
            )
        self.graph.edge(body)
        self.graph.edge(done)
        self.graph.current = body
        for leaf in _leaves(left) if left is not None else ():
            self.clear(dotted(leaf), span(node), "")
        self._loop(node, head, self.graph.current, done, behind)

    def _loop(self, node: Node, head: int, body: int, done: int, behind: int) -> None:
        self.graph.scopes.append(Scope("loop", before=head, behind=behind))
        self.graph.current = body if body == head or self._reached(body) else None
        block = node.child_by_field_name("body")
        if block is not None and self.graph.current is not None:
            self.block(block)
        self.graph.goto(head, loop=True)
        self.graph.scopes.pop()
        self.graph.current = done if self._reached(done) else None
        alternative = node.child_by_field_name("alternative")
        if alternative is not None and self.graph.current is not None:
            inner = alternative.child_by_field_name("body")
            if inner is not None:
                self.block(inner)
        self.graph.goto(behind)
        self.graph.current = behind if self._reached(behind) else None

    def on_try_statement(self, node: Node) -> None:
        body = node.child_by_field_name("body")
        handlers = [
            child for child in node.named_children if child.type in ("except_clause", "except_group_clause")
        ]
        final = next((child for child in node.named_children if child.type == "finally_clause"), None)
        otherwise = next((child for child in node.named_children if child.type == "else_clause"), None)
        behind = self.graph.block()
        cleanup: Scope | None = None
        if final is not None:
            inner = final.named_children[-1] if final.named_children else None

            def clean() -> None:
                if inner is not None:
                    self.block(inner)

            cleanup = Scope("cleanup", cleanup=clean)
            self.graph.scopes.append(cleanup)
        entries = [(handler, self.graph.block()) for handler in handlers]
        attempt = Scope("try", handlers=[self._handler(handler, entry) for handler, entry in entries])
        self.graph.scopes.append(attempt)
        if body is not None:
            self.block(body)
        self.graph.scopes.pop()
        if otherwise is not None and self.graph.current is not None:
            inner_else = otherwise.child_by_field_name("body")
            if inner_else is not None:
                self.block(inner_else)
        self._finish(cleanup, behind)
        for handler, entry in entries:
            if not self._reached(entry):
                continue
            self.graph.current = entry
            block = next((child for child in reversed(handler.named_children) if child.type == "block"), None)
            self.graph.cleaning += 1
            if block is not None:
                self.block(block)
            self.graph.cleaning -= 1
            self._finish(cleanup, behind)
        if cleanup is not None:
            self.graph.scopes.pop()
        self.graph.current = behind if self._reached(behind) else None

    def _finish(self, cleanup: Scope | None, behind: int) -> None:
        """The normal end of a try's part: through the finally clause and on."""
        if cleanup is not None:
            self.graph.clean(cleanup)
        self.graph.goto(behind)

    def _handler(self, node: Node, entry: int) -> Handler:
        types = [child for child in node.named_children if child.type not in ("block", "comment")]
        if not types:
            return Handler(entry, every=True)
        kind = types[0]
        if kind.type == "as_pattern":
            kind = kind.named_children[0]
        names = [text(child) for child in (kind.named_children if kind.type == "tuple" else (kind,))]
        if any(name in _CATCH_ALL for name in names):
            return Handler(entry, every=True)
        if "Exception" in names:
            if kind.type == "identifier" and _raises_again(node):
                return Handler(entry, every=False, narrow=span(kind))
            return Handler(entry, every=True)
        return Handler(entry, every=False)

    def on_with_statement(self, node: Node) -> None:
        clause = next((child for child in node.named_children if child.type == "with_clause"), None)
        items = (
            [child for child in clause.named_children if child.type == "with_item"]
            if clause is not None
            else []
        )
        if len(items) == 1 and items[0].named_children and items[0].named_children[0].type == "tuple":
            wrapped = items[0].named_children[0].named_children
        else:
            wrapped = [item.named_children[0] for item in items if item.named_children]
        body = node.child_by_field_name("body")
        depth = len(self.graph.scopes)
        caught: int | None = None
        for item in wrapped:
            scope = self._with_item(item, node)
            if scope is not None and scope.kind == "try":
                caught = scope.handlers[0].entry
            if scope is not None:
                self.graph.scopes.append(scope)
        if any(child.type == "async" for child in node.children):
            self.graph.emit(
                Op(Kind.CALL, "", span(node), detail="await", fallible=True), "await can be cancelled"
            )
        if body is not None and self.graph.current is not None:
            self.block(body)
        while len(self.graph.scopes) > depth:
            scope = self.graph.scopes[-1]
            if scope.kind == "cleanup":
                self.graph.clean(scope)
            self.graph.scopes.pop()
        if caught is not None and self._reached(caught):
            self.graph.goto(caught)
            self.graph.current = caught

    def _with_item(self, item: Node, node: Node) -> Scope | None:
        """Enter one context; what is done at its end is in the scope that comes back."""
        value, target = item, None
        if item.type == "as_pattern":
            value = item.named_children[0]
            inner = item.named_children[1] if len(item.named_children) > 1 else None
            target = inner.named_children[0] if inner is not None and inner.named_children else inner
        name = dotted(target) if target is not None and target.type in ("identifier", "attribute") else ""
        at = span(node)
        call = value.named_children[0] if value.type == "await" and value.named_children else value
        if call.type == "call":
            callee = dotted(call.child_by_field_name("function"))
            qualified = self.module.qualified(callee)
            if qualified == "contextlib.suppress":
                return Scope("try", handlers=[Handler(self.graph.block(), every=False)])
            arguments = positional(call)
            if (qualified in _CLOSING or qualified.endswith(".closing")) and arguments:
                place = self.value(arguments[0], node, name)
                return self._held(place, name, at, fallible=False)
            resource = self.table.resource(call)
            if resource is not None and not resource.slots:
                for child in _argument_nodes(call):
                    self.consume(child, node)
                place = name if "." not in name and name else self.nameless()
                self.acquire(place, resource, at, span(call), fallible=True, detail="scope")
                if resource.scope == "other":
                    return None
                if name and name != place:
                    self.clear(name, at, "some")
                return self._held(place, name, at, fallible=False)
        place = self.value(value, node)
        if place:
            return self._held(place, name, at, fallible=True)
        if name:
            self.clear(name, at, "some")
        return None

    def _held(self, place: str, name: str, at: Span, fallible: bool) -> Scope | None:
        if not place:
            if name:
                self.clear(name, at, "some")
            return None
        if name and name != place:
            self.graph.emit(Op(Kind.MOVE, place, at, other=name))
        elif fallible:
            self.graph.emit(Op(Kind.USE, place, at, detail="entered"))

        def clean() -> None:
            self.graph.emit(Op(Kind.RELEASE, place, at, detail="scope"))

        return Scope("cleanup", cleanup=clean)

    def on_match_statement(self, node: Node) -> None:
        for child in node.named_children:
            if child.type not in ("block", "comment"):
                self.consume(child, node)
        body = node.child_by_field_name("body")
        cases = (
            [child for child in body.named_children if child.type == "case_clause"]
            if body is not None
            else []
        )
        behind, start = self.graph.block(), self.graph.current
        exhausted = False
        for case in cases:
            self.graph.current = start
            entry = self.graph.block()
            self.graph.edge(entry)
            self.graph.current = entry
            inner = case.child_by_field_name("consequence")
            if inner is not None:
                self.block(inner)
            self.graph.goto(behind)
            patterns = [child for child in case.named_children if child.type == "case_pattern"]
            guarded = any(child.type == "if_clause" for child in case.named_children)
            exhausted |= not guarded and len(patterns) == 1 and text(patterns[0]) == "_"
        self.graph.current = start
        if exhausted:
            self.graph.current = None
        self.graph.goto(behind)
        self.graph.current = behind if self._reached(behind) else None

    def on_function_definition(self, node: Node) -> None:
        self._capture(node)

    def on_class_definition(self, node: Node) -> None:
        self._capture(node)

    def on_decorated_definition(self, node: Node) -> None:
        self._capture(node)

    def _capture(self, node: Node) -> None:
        """A nested definition that mentions a tracked name holds it; one that releases it owns it."""
        for name in self._names_in(node):
            how = "kept" if _releases_inside(node, name, self.methods(name)) else "captured"
            self.graph.emit(Op(Kind.ESCAPE, name, span(node), detail=how))

    def _names_in(self, node: Node) -> list[str]:
        found: list[str] = []
        for leaf in _mentioned(node, deep=True):
            name = text(leaf)
            if name in self.tracked and name not in found:
                found.append(name)
        return found

    # Conditions

    def condition(self, node: Node, then: int, otherwise: int, statement: Node) -> None:
        """Branch on an expression; what it says of a place goes onto the edges."""
        kind = node.type
        if kind == "parenthesized_expression" and node.named_child_count == 1:
            self.condition(node.named_children[0], then, otherwise, statement)
            return
        if kind == "not_operator" and node.named_children:
            self.condition(node.named_children[-1], otherwise, then, statement)
            return
        if kind == "boolean_operator":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            operator = node.child_by_field_name("operator")
            if left is not None and right is not None:
                middle = self.graph.block()
                if text(operator) == "and":
                    self.condition(left, middle, otherwise, statement)
                else:
                    self.condition(left, then, middle, statement)
                self.graph.current = middle if self._reached(middle) else None
                if self.graph.current is not None:
                    self.condition(right, then, otherwise, statement)
                return
        place, empty = self._asks(node)
        if kind in ("true", "false", "integer"):
            self.graph.goto(then if text(node) not in ("False", "0") else otherwise)
            return
        if not place or "(" in place:
            held = self.value(node, statement)
            place = place or held
        elif kind == "call":
            self.consume(node, statement, USE_ONLY)
        if place:
            self.graph.edge(then, place, empty)
            self.graph.edge(otherwise, place, not empty)
        else:
            self.graph.edge(then)
            self.graph.edge(otherwise)
        self.graph.current = None

    def _asks(self, node: Node) -> tuple[str, bool]:
        """The place that a condition asks about, and whether it holds when that place is empty."""
        if node.type in ("identifier", "attribute"):
            return dotted(node), False
        if node.type == "named_expression":
            return "", False
        if node.type == "comparison_operator" and len(node.named_children) == 2:
            left, right = node.named_children
            operator = "".join(child.type for child in node.children if not child.is_named)
            if right.type == "none":
                name = dotted(left)
                if name and "(" not in name and "[" not in name:
                    return name, operator in ("is", "==")
                return "", False
            if not any(child.type == "call" for child in _walk(node)):
                return text(node), False
        if node.type == "call" and dotted(node.child_by_field_name("function")) in (
            "hasattr",
            "isinstance",
            "callable",
        ):
            first = positional(node)[:1]
            name = dotted(first[0]) if first else ""
            return (name, False) if name in self.tracked else ("", False)
        return "", False

    # Expressions

    def consume(self, node: Node, statement: Node, how: str = "") -> None:
        """Lower an expression whose value is not kept by anyone we know."""
        place = self.value(node, statement)
        if place and how != USE_ONLY:
            self.drop(place, node, statement)

    def drop(self, place: str, node: Node, statement: Node) -> None:
        """The value of an expression statement is thrown away."""

    def value(self, node: Node, statement: Node, wanted: str = "") -> str:
        """Lower an expression; the place that holds its value, "" when that is not tracked.

        `wanted`: the name the value will get, so that an acquisition can be told by it.
        """
        method = getattr(self, f"value_{node.type}", None)
        if method is not None:
            return str(method(node, statement, wanted))
        for child in node.named_children:
            place = self.value(child, statement)
            if place:
                self.graph.emit(Op(Kind.USE, place, span(statement), expression=span(node)))
        return ""

    def value_identifier(self, node: Node, statement: Node, wanted: str) -> str:
        name = text(node)
        return name if name in self.tracked else ""

    def value_parenthesized_expression(self, node: Node, statement: Node, wanted: str) -> str:
        place = ""
        for child in node.named_children:
            place = self.value(child, statement, wanted)
        return place

    def value_await(self, node: Node, statement: Node, wanted: str) -> str:
        place = self.value(node.named_children[0], statement, wanted) if node.named_children else ""
        self.graph.emit(
            Op(Kind.CALL, "", span(statement), detail="await", fallible=True), "await can be cancelled"
        )
        return place

    def value_yield(self, node: Node, statement: Node, wanted: str) -> str:
        self.function.generator = True
        fresh = any(child.type == "from" for child in node.children)
        for child in node.named_children:
            if fresh:
                place = self.value(child, statement, wanted)
                self.graph.emit(
                    Op(Kind.CALL, "", span(statement), detail="yield", fallible=True), "yield can raise"
                )
                return place
            self.hand_over(child, statement, "yielded")
        self.graph.emit(Op(Kind.CALL, "", span(statement), detail="yield", fallible=True), "yield can raise")
        return ""

    def value_named_expression(self, node: Node, statement: Node, wanted: str) -> str:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or value is None:
            return ""
        place = self.value(value, statement, text(name))
        self.bind(name, value, place, span(statement))
        return text(name) if place else ""

    def value_conditional_expression(self, node: Node, statement: Node, wanted: str) -> str:
        if len(node.named_children) != 3:
            return ""
        yes, condition, no = node.named_children
        then, otherwise, behind = (self.graph.block() for _ in range(3))
        self.condition(condition, then, otherwise, statement)
        places: list[str] = []
        place_name = wanted if wanted and "." not in wanted else self.nameless()
        for branch, entry in ((yes, then), (no, otherwise)):
            self.graph.current = entry if self._reached(entry) else None
            if self.graph.current is None:
                continue
            place = self.value(branch, statement, place_name)
            if place and place != place_name:
                self.graph.emit(Op(Kind.MOVE, place, span(statement), other=place_name))
            elif not place:
                self.clear(place_name, span(statement), _emptiness(branch))
            places.append(place)
            self.graph.goto(behind)
        self.graph.current = behind if self._reached(behind) else None
        if any(places):
            self.tracked.setdefault(place_name, set()).update(
                *(self.tracked.get(place, set()) for place in places)
            )
            return place_name
        return ""

    def value_boolean_operator(self, node: Node, statement: Node, wanted: str) -> str:
        """`f or open(p)`: who owns the value depends; nothing is known of it."""
        for child in (node.child_by_field_name("left"), node.child_by_field_name("right")):
            if child is None:
                continue
            place = self.value(child, statement)
            if place.startswith("%"):
                self.graph.emit(Op(Kind.UNKNOWN, place, span(statement), detail="one of two values"))
        return ""

    def value_lambda(self, node: Node, statement: Node, wanted: str) -> str:
        self._capture(node)
        return ""

    def value_attribute(self, node: Node, statement: Node, wanted: str) -> str:
        """A member of a tracked value is a use; a release method that is not called is handed to somebody."""
        name = dotted(node)
        if name in self.tracked:
            return name
        head = node.child_by_field_name("object")
        place = self.value(head, statement) if head is not None else ""
        if place:
            attribute = text(node.child_by_field_name("attribute"))
            if attribute in self.methods(place):
                self.graph.emit(Op(Kind.ESCAPE, place, span(statement), detail="kept", other=attribute))
            else:
                self.graph.emit(Op(Kind.USE, place, span(statement), detail=attribute, expression=span(node)))
        return ""

    def _collect(self, node: Node, statement: Node, wanted: str) -> str:
        """A display: what is put into it is stored."""
        for child in node.named_children:
            place = self.value(child, statement)
            if place:
                self.graph.emit(Op(Kind.ESCAPE, place, span(statement), detail="stored"))
        return ""

    value_list = value_tuple = value_set = value_dictionary = value_pair = value_expression_list = _collect
    value_list_splat = value_dictionary_splat = _collect

    def _comprehension(self, node: Node, statement: Node, wanted: str) -> str:
        """A loop of its own: its sources are read, then its body may run."""
        clauses = [child for child in node.named_children if child.type in ("for_in_clause", "if_clause")]
        for clause in clauses:
            for child in clause.named_children:
                place = self.value(child, statement)
                if place:
                    self.graph.emit(Op(Kind.USE, place, span(statement), expression=span(child)))
        for child in node.named_children:
            if child not in clauses:
                place = self.value(child, statement)
                if place:
                    self.graph.emit(Op(Kind.ESCAPE, place, span(statement), detail="stored"))
        return ""

    value_list_comprehension = value_set_comprehension = value_dictionary_comprehension = _comprehension
    value_generator_expression = _comprehension

    def value_call(self, node: Node, statement: Node, wanted: str) -> str:
        callee = node.child_by_field_name("function")
        name = dotted(callee)
        at, expression = span(statement), span(node)
        receiver = ""
        method = ""
        if callee is not None and callee.type == "attribute":
            method = text(callee.child_by_field_name("attribute"))
            head = callee.child_by_field_name("object")
            receiver = self.value(head, statement) if head is not None else ""
        elif callee is not None and callee.type != "identifier":
            self.consume(callee, statement)
        resource = self.table.resource(node)
        if receiver and resource is None and method in self.methods(receiver):
            for _, child in _arguments(node):
                self.consume(child, statement)
            self.graph.emit(
                Op(Kind.RELEASE, receiver, at, detail=f"{method}()", expression=expression, fallible=True)
            )
            return ""
        owned = self._pass_arguments(node, name, statement, resource)
        if receiver:
            note = f"{_short(name)}() can raise"
            self.graph.emit(
                Op(Kind.USE, receiver, at, detail=method, expression=expression, fallible=True), note
            )
            if method in ("makefile", "__enter__", "setdefault", "detach"):
                if method == "detach":
                    self.graph.emit(Op(Kind.UNKNOWN, receiver, at, detail="detached"))
                if method == "__enter__":
                    return receiver
        if owned and (resource is not None or method == "wrap_socket"):
            if wanted and "." not in wanted:
                self.tracked.setdefault(wanted, set()).update(self.tracked.get(owned, set()))
                self.graph.emit(
                    Op(Kind.MOVE, owned, at, other=wanted, fallible=True), f"{_short(name)}() can raise"
                )
                return wanted
            return owned
        if resource is not None and not resource.slots:
            place = wanted or self.nameless()
            self.acquire(place, resource, at, expression, fallible=True)
            return place
        if not receiver and acquiring.fallible(self.module, name):
            note = f"{_short(name) or 'the call'}() can raise"
            self.graph.emit(Op(Kind.CALL, "", at, detail=name, expression=expression, fallible=True), note)
        return ""

    def _pass_arguments(self, node: Node, name: str, statement: Node, resource: Resource | None) -> str:
        """Lower the arguments and say what the callee does with tracked ones; one that the callee's value owns."""
        at = span(statement)
        owned = ""
        method = name.rpartition(".")[2]
        for position, (keyword, child) in enumerate(_arguments(node)):
            place = self.value(child, statement)
            if not place:
                continue
            expression = span(child)
            if (
                resource is not None
                and resource.id in ("text wrapper", "tls socket")
                or method == "wrap_socket"
            ):
                owned = place
            elif self.table.releases(name):
                self.graph.emit(
                    Op(Kind.RELEASE, place, at, detail=f"{name}()", expression=span(node), fallible=True)
                )
            elif self.table.borrows(name, self.tracked.get(place, ())):
                self.graph.emit(Op(Kind.USE, place, at, detail=name, expression=expression))
            elif method in acquiring.STORING and "." in name:
                self.graph.emit(Op(Kind.ESCAPE, place, at, detail="stored", other=name))
            elif self.module.qualified(name) in self.table.keepers:
                self.graph.emit(Op(Kind.ESCAPE, place, at, detail="kept", other=name))
            else:
                effect = self.summarise(self.definition, name, position, keyword)
                if effect == "borrows":
                    self.graph.emit(Op(Kind.USE, place, at, detail=name, expression=expression))
                elif effect == "releases":
                    self.graph.emit(
                        Op(Kind.RELEASE, place, at, detail=f"{name}()", expression=span(node), fallible=True)
                    )
                elif effect in ("keeps", "returns") or acquiring.HANDING_OVER.search(name):
                    self.graph.emit(Op(Kind.ESCAPE, place, at, detail="kept", other=name))
                else:
                    self.graph.emit(Op(Kind.ESCAPE, place, at, detail="passed", other=name))
        return owned

    # Operations

    def acquire(
        self, place: str, resource: Resource, at: Span, expression: Span, fallible: bool, detail: str = ""
    ) -> None:
        """An acquisition into a place; one into a global is everybody's."""
        self.tracked.setdefault(place, set()).add(resource)
        op = Op(
            Kind.ACQUIRE,
            place,
            at,
            detail=detail,
            expression=expression,
            resource=resource,
            fallible=fallible,
        )
        self.graph.emit(op, f"{resource.what} cannot be opened")

    def clear(self, place: str, at: Span, detail: str) -> None:
        """A place gets a value that is not tracked."""
        if place:
            self.graph.emit(Op(Kind.CLEAR, place, at, detail=detail))


USE_ONLY = "use"


def _arguments(call: Node) -> Iterator[tuple[str, Node]]:
    """(keyword or "", value) of each argument."""
    arguments = call.child_by_field_name("arguments")
    for child in arguments.named_children if arguments is not None else ():
        if child.type == "keyword_argument":
            value = child.child_by_field_name("value")
            if value is not None:
                yield text(child.child_by_field_name("name")), value
        elif child.type != "comment":
            yield "", child
    if arguments is not None and arguments.type == "generator_expression":
        yield "", arguments


def _argument_nodes(call: Node) -> list[Node]:
    return [node for _, node in _arguments(call)]


def _walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(current.named_children)


def _calls(node: Node) -> Iterator[Node]:
    """The calls in an expression, nested functions left out."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "call":
            yield current
        if current.type not in ("lambda", "block"):
            stack.extend(current.named_children)


def _leaves(target: Node) -> list[Node]:
    """The names and members that a target binds."""
    if target.type in ("identifier", "attribute"):
        return [target]
    if target.type in ("subscript", "type"):
        return []
    return [leaf for child in target.named_children for leaf in _leaves(child)]


def _mentioned(node: Node, deep: bool = False) -> list[Node]:
    """The names that may be an expression's value (`deep`: every name in it)."""
    if deep:
        return [found for found in _walk(node) if found.type == "identifier"]
    if node.type in ("identifier", "attribute"):
        return [node]
    if node.type in (
        "conditional_expression",
        "parenthesized_expression",
        "await",
        "expression_list",
        "tuple",
    ):
        return [leaf for child in node.named_children for leaf in _mentioned(child)]
    if node.type == "call":  # `s = wrap_socket(s)`: a wrapper that owns what it wraps
        return [child for child in _argument_nodes(node)[:1] if child.type == "identifier"]
    return []


def _emptiness(value: Node) -> str:
    """What a literal says of the place it is given to: none, some or "" (see Kind.CLEAR)."""
    kind = value.type
    if kind in ("none", "false"):
        return "none"
    if kind == "true":
        return "some"
    if kind in ("integer", "string", "list", "dictionary", "tuple", "set"):
        return "none" if text(value) in ("0", '""', "''", "[]", "{}", "()") else "some"
    return ""


def _raises_again(handler: Node) -> bool:
    """Whether a handler's last statement raises what it caught."""
    block = next((child for child in reversed(handler.named_children) if child.type == "block"), None)
    statements = (
        [child for child in block.named_children if child.type != "comment"] if block is not None else []
    )
    return bool(statements) and statements[-1].type == "raise_statement"


def _releases_inside(node: Node, name: str, methods: frozenset[str]) -> bool:
    return any(
        found.type == "attribute"
        and dotted(found.child_by_field_name("object")) == name
        and text(found.child_by_field_name("attribute")) in methods
        for found in _walk(node)
    )


def _short(name: str) -> str:
    """A callee's name for a witness: its last two parts."""
    return ".".join(name.split(".")[-2:])
