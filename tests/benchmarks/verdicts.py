"""How often `prove` is right, and what each detector costs: `python -m tests.benchmarks.verdicts [TIMES]`.

Each program of tests/proof/programs.py is run leaky and repaired so many times under its detector, ten clean
programs under all of them, while the machine is kept busy by as many loops as it has processors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from repairbot.model import Verdict
from repairbot.proof.detectors import walk
from repairbot.proof.judging import measurements
from repairbot.proof.run import run
from tests.proof import programs
from tests.proof.programs import Program

BUSY = "while True: pass"
SEEN_BY = {"python": "traced memory", "node": "heap after collection", "process": "resident memory"}
CLEAN = {
    "work.py": "import json\nfor i in range(200):\n    json.dumps(list(range(2000)))\n    print('done')\n",
    "cache.py": "held = {}\nfor i in range(2000):\n    held[i % 50] = 'x' * 1000\n    print('done')\n",
    "ring.py": "from collections import deque\nheld = deque(maxlen=100)\nfor i in range(3000):\n"
    "    held.append('x' * (i % 100 * 50))\n    print('done')\n",
    "thread.py": "import threading\nfor i in range(300):\n    t = threading.Thread(target=lambda: None)\n"
    "    t.start()\n    t.join()\n    print('done')\n",
    "file.py": "for i in range(800):\n    with open(__file__) as file:\n        file.read()\n    print('done')\n",
    "cycle.py": "class A: pass\nfor i in range(20000):\n    a = A()\n    a.own = a\n    print('done')\n",
    "work.mjs": "for (let i = 0; i < 300; i++) {\n  JSON.stringify(Array(3000).fill(i));\n  console.log('done');\n"
    "  await new Promise((go) => setTimeout(go, 4));\n}\n",
    "ring.mjs": "const held = [];\nfor (let i = 0; i < 300; i++) {\n  held.push(Buffer.alloc(2000));\n"
    "  if (held.length > 20) held.shift();\n  console.log('done');\n"
    "  await new Promise((go) => setTimeout(go, 4));\n}\n",
    "map.mjs": "const held = new Map();\nfor (let i = 0; i < 300; i++) {\n  held.set(i % 30, 'x'.repeat(i));\n"
    "  console.log('done');\n  await new Promise((go) => setTimeout(go, 4));\n}\n",
    "shell.sh": "for i in $(seq 200); do\n  true | cat\n  echo done\ndone\n",
}
WORK = {
    "work.py": "import json\nfor i in range(700):\n    json.loads(json.dumps([{'a': n} for n in range(600)]))\n",
    "work.mjs": "for (let i = 0; i < 1200; i++) {\n"
    "  JSON.parse(JSON.stringify(Array.from({ length: 2000 }, (_, n) => ({ a: n }))));\n"
    "  if (i % 10 === 0) await new Promise((go) => setImmediate(go));\n}\n",
    "work.c": "#include <stdlib.h>\n#include <string.h>\nint main(void) {\n  long sum = 0;\n"
    "  for (int i = 0; i < 3000000; i++) {\n    char *held = malloc(200);\n    memset(held, i, 200);\n"
    "    sum += held[i % 200];\n    free(held);\n  }\n  return sum == 42;\n}\n",
}
COMMANDS = {".py": f"{sys.executable} {{}}", ".mjs": "node {}", ".sh": "sh {}"}


def once(folder: str, command: str, each: str, names: list[str]) -> tuple[dict[str, Verdict], float]:
    """The verdicts of one run by what was measured, and the processor seconds that it took."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = programs.bare() | {"REPAIRBOT_TOP": folder}
        for name in names:
            environment |= walk()[name].environment(environment, scratch)
        for name in names:
            command = walk()[name].command(command, scratch)
        ran = run(command, folder, environment, scratch, timeout=120, each=each)
        seen = {name: walk()[name].read(ran) for name in names}
    found = measurements([seen], [])
    return {f"{m.detector} {m.what}": m.before.verdict for m in found}, ran.processor


def right(program: Program, times: int) -> str:
    """How often each side was judged as it is."""
    counts: Counter[str] = Counter()
    for side, text, verdict in (("leaky", program.leaky, "leaks"), ("repaired", program.clean, "flat")):
        with tempfile.TemporaryDirectory() as folder:
            top = os.path.realpath(folder)
            programs.build(Path(top), program, text)
            what = f"{program.detector} {SEEN_BY.get(program.detector, 'leaks')}"
            for _ in range(times):
                got = once(top, program.run, program.each, [program.detector])[0][what]
                counts[side] += got == verdict
                if got != verdict:
                    print(f"    {side}: {got}")
    return ", ".join(f"{side} {counts[side]} of {times}" for side in ("leaky", "repaired"))


def clean(times: int) -> None:
    """Clean programs under every detector that is at work by itself."""
    names = [name for name, each in walk().items() if each.ALWAYS]
    with tempfile.TemporaryDirectory() as folder:
        top = os.path.realpath(folder)
        for name, text in CLEAN.items():
            (Path(top) / name).write_text(text)
            command = COMMANDS[Path(name).suffix].format(name)
            verdicts = Counter(v for _ in range(times) for v in once(top, command, "done", names)[0].values())
            print(f"  {name:10} {dict(verdicts)}", flush=True)


def overhead() -> None:
    """Processor time with each detector over that without one, the least of three runs, on work without end."""
    with tempfile.TemporaryDirectory() as folder:
        top = os.path.realpath(folder)
        for name, text in WORK.items():
            (Path(top) / name).write_text(text)
        subprocess.run("gcc -g -O1 work.c -o plain", shell=True, cwd=top, check=True)
        subprocess.run("gcc -g -O1 -fsanitize=address work.c -o checked", shell=True, cwd=top, check=True)
        for name, plain, watched in (
            ("process", "./plain", "./plain"),
            ("sanitizer", "./plain", "./checked"),
            ("valgrind", "./plain", "./plain"),
            ("python", f"{sys.executable} work.py", f"{sys.executable} work.py"),
            ("node", "node work.mjs", "node work.mjs"),
        ):
            without = min(once(top, plain, "", [])[1] for _ in range(3))
            times = min(once(top, watched, "", [name])[1] for _ in range(3))
            print(f"  {name:10} {without:6.2f} s -> {times:6.2f} s  x{times / without:.1f}", flush=True)


def main() -> None:
    """Measure and print."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("overhead, in processor time")
    overhead()
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        print(f"clean programs, {times} runs each, verdicts of everything measured")
        clean(max(times // 4, 1))
        for program in programs.ALL:
            print(f"  {program.name} by {program.detector}: {right(program, times)}", flush=True)
    finally:
        for process in busy:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
