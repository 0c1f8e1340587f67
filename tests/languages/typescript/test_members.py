"""Members of classes, modules and objects: what a teardown forgets, what grows."""

from __future__ import annotations

import pytest

from tests.languages.typescript.reading import said, unit

FORGETS = "incomplete-teardown"


@pytest.mark.parametrize(
    "teardown",
    [
        "dispose() { this.a.dispose(); }",
        "ngOnDestroy() { this.a.dispose(); }",
        "destroy() { this.a?.dispose(); }",
    ],
)
def test_a_sibling_shows_what_has_to_be_ended(teardown: str) -> None:
    source = f"""
        export class Panel {{
          private a = new Emitter();
          private b = new Emitter();
          {teardown}
        }}
        """
    assert [line.split()[0:2] for line in said(source, FORGETS)] == [["4", "this.b"]]


@pytest.mark.parametrize(("name", "found"), [("me", []), ("other", ["this.b"])])
def test_a_member_that_is_the_object_itself(name: str, found: list[str]) -> None:
    source = f"""
        export class Panel {{
          private me = this;
          private other = make();
          private a = new Emitter();
          private b = new Emitter();
          dispose() {{ this.a.dispose(); this.{name}.b.dispose(); }}
        }}
        """
    assert [line.split()[1] for line in said(source, FORGETS)] == found


def test_a_callback_that_runs_at_the_end_is_a_teardown() -> None:
    source = """
        export class Panel extends Disposable {
          private watch = new ResizeObserver(() => {});
          private other = new ResizeObserver(() => {});
          constructor() {
            super();
            this._register(toDisposable(() => this.other.disconnect()));
          }
        }
        """
    assert said(source, FORGETS) == ["3 this.watch is not disconnected in toDisposable()"]


def test_a_release_in_a_method_that_the_teardown_does_not_reach() -> None:
    source = """
        export class Feed {
          private socket = new WebSocket("wss://feed");
          pause() { this.socket.close(); }
          dispose() { this.log(); }
          log() {}
        }
        """
    assert said(source, FORGETS) == ["3 this.socket is not closed in dispose()"]
    assert said(source.replace("this.log();", "this.pause();"), FORGETS) == []


@pytest.mark.parametrize(
    "source",
    [
        "class A { private s: WebSocket; constructor(s: WebSocket) { this.s = s; } dispose() {} }",
        "class A { private s = new WebSocket(u); give() { return this.s; } dispose() {} }",
        "class A { private s = new WebSocket(u); constructor(pool) { pool.adopt(this.s); } dispose() {} }",
        "class A { private all = [new WebSocket(u)]; dispose() { this.all.forEach((s) => s.close()); } }",
        "class A { private s = new WebSocket(u); dispose() { closeQuietly(this.s); } }",
    ],
)
def test_what_others_may_end_is_not_missed(source: str) -> None:
    assert said(source, FORGETS) == []


def test_objects_given_to_extend_and_prototypes_are_classes() -> None:
    extended = """
        export const Layer = Base.extend({
          onAdd: function () { this.watch = new ResizeObserver(f); this.other = new ResizeObserver(f); },
          onRemove: function () { this.other.disconnect(); },
        });
        """
    assert said(extended, FORGETS, "layer.js") == ["3 this.watch is not disconnected in onRemove()"]
    prototypes = """
        function Client() { var self = this; self.socket = new WebSocket("wss://x"); self.feed = new WebSocket("y"); }
        Client.prototype.close = function () { this.feed.close(); };
        """
    assert said(prototypes, FORGETS, "client.js") == ["2 this.socket is not closed in close()"]


def test_private_names_symbols_and_accessors_are_members() -> None:
    source = """
        export class Agent {
          #seen = new Map();
          constructor() { this[kClients] = new Map(); }
          dispatch(origin) { this[kClients].set(origin, connect(origin)); this.#seen.set(origin, 1); }
          [kClose]() { this[kClients].clear(); this.#seen.clear(); }
        }
        """
    container = unit(source, "agent.js").containers[0]
    assert sorted(container.members) == ["#seen", "[kClients]"]
    assert "[kClose]" in container.teardowns


def test_a_map_keyed_by_requests_grows() -> None:
    source = """
        export class TrackService {
          private readonly started = new Map<string, Date>();
          handle(request: Request) { this.started.set(request.id, new Date()); }
        }
        """
    assert said(source, "unbounded-collection") == ["4 this.started grows in handle() and is never shrunk"]
    for ending in (
        "this.started.delete(id)",
        "this.started = new Map()",
        "if (this.started.size > 9) this.started.clear()",
    ):
        less = source.replace("handle(", f"done(id: string) {{ {ending}; }}\n  handle(")
        assert said(less, "unbounded-collection") == []


def test_keys_that_are_counted_up_never_come_twice() -> None:
    source = """
        export class LinkService {
          private next = 1;
          private readonly links = new Map<number, Link>();
          add(data: Data) { const link = { data, id: this.next++ }; this.links.set(link.id, link); return link.id; }
        }
        """
    assert said(source, "unbounded-collection") == ["5 this.links grows in add() and is never shrunk"]


def test_a_module_keeps_what_its_functions_add() -> None:
    source = """
        const cache: Record<string, Client> = {};
        export function handleRequest(url: string) { if (!cache[url]) cache[url] = connect(url); return cache[url]; }
        """
    assert said(source, "unbounded-cache") == ["3 cache grows in handleRequest() and is never shrunk"]
    shadowed = (
        "const names = [];\nexport function all(list) { const names = []; names.push(list); return names; }"
    )
    assert unit(shadowed).containers == []
