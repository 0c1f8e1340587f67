"""A long batch loop that never looks at memory.

**What is wrong.** Batch after batch is worked off and the results pile up; when memory runs short the process
is killed, and nothing in the log says at which batch.

**Evidence.** A loop over batches or chunks fills a collection, and its function never asks for the memory in
use. This says nothing about a leak, so the rule is off by default.

**Repair.** Left to the reader: log the memory in use at each phase, and make batches smaller when it is short.

**Quiet** where `psutil`, `tracemalloc` or `resource` is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from repairbot.analyses.facts import Facts
from repairbot.model import Settings, Step
from repairbot.rule import Quiet, Repair, Report, Rule


class UnmonitoredBatch(Rule):
    """Batches without a look at memory."""

    languages = ("python", "typescript", "javascript")
    severity = "low"
    default = False
    precedence = 1
    practice = "Log the memory in use at each phase of a long batch."
    examples = (
        Repair(
            before="""\
def embed(texts, model, batch_size=64):
    vectors = []
    for start in range(0, len(texts), batch_size):
        vectors.extend(model.encode(texts[start : start + batch_size]))
    return vectors
""",
            after=None,
            why="what to do when memory is short is not in the code",
            line=3,
            settings=Settings(rules={"unmonitored-batch": True}),
        ),
        Quiet(
            code="""\
import tracemalloc


def embed(texts, model, batch_size=64):
    vectors = []
    for start in range(0, len(texts), batch_size):
        vectors.extend(model.encode(texts[start : start + batch_size]))
        print(tracemalloc.get_traced_memory())
    return vectors
""",
            why="it looks",
        ),
        Repair(
            before="""export async function indexAll(files: string[]): Promise<void> {
  const chunks: Chunk[] = [];
  for (const file of files) {
    const found = await chunksOf(file);
    chunks.push(...found);
  }
  await store.insert(chunks);
}
""",
            after=None,
            language="typescript",
            why="what to do when memory is short is not in the code",
        ),
        Quiet(
            """export async function indexAll(files: string[]): Promise<void> {
  const chunks: Chunk[] = [];
  for (const file of files) {
    const found = await chunksOf(file);
    chunks.push(...found);
    log.debug('heap', process.memoryUsage().heapUsed);
  }
  await store.insert(chunks);
}
""",
            "it looks",
            language="typescript",
        ),
    )

    def check(self, facts: Facts, settings: Settings) -> Iterator[Report]:
        """One report a loop."""
        for load in facts.loading:
            if load.what == "batch":
                yield Report(
                    load.at,
                    load.symbol,
                    load.place,
                    f"{load.place} grows with each batch and nothing looks at memory",
                    (Step(load.at.line, "one batch after the other"), *load.evidence),
                    confidence="medium",
                    refusals=("what to do when memory is short is not in the code",),
                )
