"""Timers, listeners, subscriptions and effects: what goes on when its owner has gone."""

from __future__ import annotations

import pytest

from tests.languages.typescript.reading import said


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('window.addEventListener("resize", this.onResize);', "unremoved-listener"),
        ("document.addEventListener('keydown', (event) => this.onKey(event));", "unremoved-listener"),
        ("this.timer = setInterval(() => this.poll(), 1000);", "uncleared-timer"),
        ("setInterval(() => this.poll(), 1000);", "uncleared-timer"),
        ("this.timer = setTimeout(() => this.retry(), 30_000);", "uncleared-timer"),
    ],
)
def test_a_teardown_that_does_not_undo_it(line: str, rule: str) -> None:
    source = f"""
        export class View {{
          constructor() {{ {line} }}
          dispose() {{ this.log(); }}
        }}
        """
    assert len(said(source, rule)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "class V { constructor() { this.t = setInterval(f, 9); } dispose() { clearInterval(this.t); } }",
        "class V { constructor() { this.t = setInterval(f, 9); } end() { this.x(); } x() { clearInterval(this.t); } }",
        "class V { constructor() { this.t = setTimeout(f, 10); } dispose() {} }",
        "class V { constructor() { setTimeout(f, 9000); } dispose() {} }",
        "class V { constructor() { this.t = setInterval(f, 9); hand(this.t); } dispose() {} }",
        "class V { go() { clearTimeout(this.t); this.t = setTimeout(f, 900); } dispose() { clearTimeout(this.t); } }",
        "class V { touch() { if (this.t) return; this.t = setTimeout(f, 900); } dispose() { clearTimeout(this.t); } }",
    ],
)
def test_timers_that_end(source: str) -> None:
    assert said(source, "uncleared-timer") == []


def test_an_interval_that_takes_the_place_of_another() -> None:
    source = """
        export class Scheduler {
          start() {
            if (this.running) { return; }
            this.timer = setInterval(() => this.run(), this.every);
            this.running = true;
          }
          stop() { clearInterval(this.timer); }
        }
        """
    assert len(said(source, "uncleared-timer")) == 1


@pytest.mark.parametrize(
    ("added", "removed"),
    [
        ("this.on.bind(this)", "this.on.bind(this)"),
        ("(e) => this.on(e)", "(e) => this.on(e)"),
        ("this.on, true", "this.on"),
        ("this.on, { capture: true }", "this.on, false"),
    ],
)
def test_a_removal_that_misses(added: str, removed: str) -> None:
    source = f"""
        export class View {{
          attach() {{ document.addEventListener("click", {added}); }}
          detach() {{ document.removeEventListener("click", {removed}); }}
        }}
        """
    assert len(said(source, "mismatched-removal")) == 1


def test_a_removal_that_hits() -> None:
    for added, removed in (
        ("this.on", "this.on"),
        ("this.on, { passive: true }", "this.on"),
        ("this.on, true", "this.on, true"),
    ):
        source = f"""
            export class View {{
              attach() {{ document.addEventListener("click", {added}); }}
              dispose() {{ document.removeEventListener("click", {removed}); }}
            }}
            """
        assert said(source, "mismatched-removal") + said(source, "unremoved-listener") == []


def test_targets_of_one_name_in_two_functions_are_two() -> None:
    source = """
        export function first(el) { const show = () => {}; el.on("a", show); }
        export function second(el) { const hide = () => {}; el.on("a", hide); el.off("a", hide); }
        """
    assert said(source, "mismatched-removal") == []


def test_one_of_two_siblings_is_forgotten() -> None:
    source = """
        export const Path = Layer.extend({
          onAdd: function () { this._map.on("click", this._click, this); this._map.on("move", this._move, this); },
          onRemove: function () { this._map.off("click", this._click, this); },
        });
        """
    assert len(said(source, "unremoved-listener", "path.js")) == 1


def test_a_subscription_is_dropped_where_others_are_kept() -> None:
    source = """
        export class Api extends Disposable {
          private readonly changed = this._register(new Emitter());
          constructor(private core: Core) { super(); this.core.buffers.onActivate(() => this.changed.fire()); }
        }
        """
    assert said(source, "unremoved-listener") == [
        "4 nobody keeps what would end this subscription to this.core.buffers"
    ]
    assert (
        said(
            source.replace("this.core.buffers.on", "this._register(this.core.buffers.on"),
            "unremoved-listener",
        )
        == []
    )


def test_effects_hand_back_what_undoes_them() -> None:
    source = """
        useEffect(() => { const id = setInterval(tick, 1000); }, []);
        useEffect(() => { const id = setInterval(tick, 1000); return () => clearInterval(id); }, []);
        useEffect(() => { const id = setInterval(tick, 1000); return stop(id); }, []);
        useEffect(() => { const feed = new EventSource(url); feed.onmessage = show; }, []);
        useEffect(() => { const feed = new EventSource(url); feed.onmessage = show; return () => feed.close(); }, []);
        """
    assert [line.split()[0] for line in said(source, "uncleared-timer", "a.tsx")] == ["2"]
    assert [line.split()[0] for line in said(source, "never-released", "a.tsx")] == ["5"]
