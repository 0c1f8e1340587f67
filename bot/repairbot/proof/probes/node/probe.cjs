// Goes into the user's Node processes through NODE_OPTIONS=--require: the heap after a forced collection and the
// active handles over time, and warnings of listeners that pile up. Writes JSON lines into REPAIRBOT_PROBE.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const v8 = require("node:v8");
const vm = require("node:vm");
const worker = require("node:worker_threads");

const folder = process.env.REPAIRBOT_PROBE;
const MANAGERS = new Set(["npm", "npx", "npm-cli.js", "npx-cli.js", "yarn.js", "yarn", "pnpm.cjs", "pnpm", "corepack"]);
const PACE = 20; // least milliseconds between two readings
const PART = 0.2; // of the time that readings may take

if (folder && worker.isMainThread && !MANAGERS.has(path.basename(process.argv[1] || ""))) {
  // --expose-gc is not allowed in NODE_OPTIONS; a context made after the flag is set has the function.
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc");
  const file = fs.openSync(path.join(folder, `node.${process.pid}.jsonl`), "a", 0o600);
  const say = (row) => fs.writeSync(file, JSON.stringify(row) + "\n");
  const seconds = () => Number(process.hrtime.bigint()) / 1e9;
  // Processor time: on a loaded machine a reading takes long and costs no more.
  const spent = (since) => (({ user, system }) => (user + system) / 1e6)(process.cpuUsage(since));
  let due = 0;
  const sample = () => {
    const began = seconds();
    if (began < due) return;
    const cost = process.cpuUsage();
    collect();
    const used = process.memoryUsage();
    const handles = {};
    for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] || 0) + 1;
    say({ t: began, heap: used.heapUsed + used.external, handles });
    due = seconds() + Math.max(PACE / 1000, spent(cost) / PART);
  };
  setInterval(sample, PACE).unref();
  // A loop that never yields starves the timer; its output is the only moment to read.
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write;
    stream.write = function (...given) {
      const done = write.apply(this, given);
      sample();
      return done;
    };
  }
  process.on("warning", (warning) => {
    if (warning.name === "MaxListenersExceededWarning") {
      say({ warning: warning.name, text: warning.message, trace: String(warning.stack || "") });
    }
  });
  process.on("exit", () => {
    due = 0;
    sample();
  });
}
