"""What is read whole, and the leaks that are idioms of the language."""

from __future__ import annotations

import pytest

from tests.languages.typescript.reading import said


@pytest.mark.parametrize(
    "query",
    [
        'import * as db from "vectordb";\nconst f = async (t) => { const rows = await t.filter("true").execute(); };',
        'import { Collection } from "mongodb";\nconst f = async (t) => { const rows = await t.find({}).toArray(); };',
        "export const f = async (db) => { const rows = await db.user.findMany(); };",
        "export const f = async (db) => { const rows = await db.query('SELECT id FROM events'); };",
    ],
)
def test_queries_without_a_limit(query: str) -> None:
    assert len(said(query, "unbounded-query")) == 1
    for limited in (
        query.replace(".execute", ".limit(9).execute"),
        query.replace(".toArray", ".limit(9).toArray"),
    ):
        if limited != query:
            assert said(limited, "unbounded-query") == []


def test_a_pile_of_results_before_one_step_takes_them_all() -> None:
    source = """
        export async function index(files: string[]) {
          const all: Chunk[] = [];
          for (const file of files) {
            for (const chunk of await split(file)) { all.push(chunk); }
          }
          await embed(all);
        }
        """
    assert len(said(source, "unbounded-collection")) == 1
    watched = source.replace(
        "for (const chunk", "if (process.memoryUsage().heapUsed > most) break;\n for (const chunk"
    )
    assert said(watched, "unbounded-collection") == []


IDIOMS = {
    "partial-initialization": """
        export class Engine {
          async init() {
            if (this.model) { return; }
            this.loading = this.load();
            try { await this.loading; } catch (error) { this.loading = null; throw error; }
          }
          private async load() { this.model = await fetchModel(); await this.model.warm(); }
        }
        """,
    "unbounded-collection": """
        export class Query {
          subscribe(observer) {
            const handle = this.source.subscribe(observer);
            this.handles.push(handle);
            return () => { handle.unsubscribe(); };
          }
        }
        """,
    "unremoved-listener": """
        export const context = (setter) => new Observable((observer) => {
          let handle;
          setter().then(() => { handle = forward().subscribe(observer); });
          return () => { if (handle) handle.unsubscribe(); };
        });
        """,
    "incomplete-teardown": """
        export class Client {
          start() { this.subscription = this.source.listen(); }
          close() {
            this.socket.close();
            if (this.queue.isEmpty()) { return; }
            this.subscription.dispose();
          }
        }
        """,
    "nameless-resource": """
        export async function peak(image: tf.Tensor) { return (await image.max().data())[0]; }
        """,
    "error-path-leak": """
        export const read = (path) => new Promise((resolve, reject) => {
          const file = fs.createReadStream(path);
          const lines = readline.createInterface({ input: file });
          lines.on("line", (line) => { if (line.length > 99) { file.destroy(); reject(new Error(line)); } });
          lines.on("error", (error) => reject(error));
        });
        """,
    "dangling-task": """
        export const limited = (work) => Promise.race([work(), new Promise((_, no) => setTimeout(no, 60_000))]);
        """,
}
REMEDIES = {
    "partial-initialization": ("this.loading = null;", "this.loading = null; this.model = null;"),
    "unbounded-collection": (
        "{ handle.unsubscribe(); }",
        "{ handle.unsubscribe(); remove(this.handles, handle); }",
    ),
    "unremoved-listener": ("handle = forward", "if (closed) return; handle = forward"),
    "incomplete-teardown": ("{ return; }", "{ this.subscription.dispose(); return; }"),
    "nameless-resource": ("image.max().data()", "image.data()"),
    "error-path-leak": ("(error) => reject(error)", "(error) => { file.destroy(); reject(error); }"),
    "dangling-task": ("setTimeout(no, 60_000)", "setTimeout(no, 60_000).unref()"),
}


@pytest.mark.parametrize("rule", IDIOMS)
def test_idioms_are_seen_and_gone_with_their_remedy(rule: str) -> None:
    source, (wrong, right) = IDIOMS[rule], REMEDIES[rule]
    assert wrong in source
    assert len(said(source, rule)) == 1
    assert said(source.replace(wrong, right), rule) == []
