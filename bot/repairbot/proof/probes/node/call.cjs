// Calls one function of the project again and again, by itself; run by the user's Node with --expose-gc.
//
// `call.cjs SPEC`: a JSON file with `top`, `path` (of the module, from `top`), `symbol`, `members`, `rounds`,
// `seconds`, `fresh` (new values in every call, or three that come again), `recipes` (how to make the arguments of
// the function and of the constructor) and `out`. The module ends in a line of ours that hands out its names.
// Writes JSON lines to `out`: readings, or one line that says why it cannot be called.
"use strict";
const { spawnSync } = require("node:child_process");
const { EventEmitter } = require("node:events");
const fs = require("node:fs");
const Module = require("node:module");
const os = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const spec = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const file = path.join(spec.top, spec.path);
const FIRST = 20; // calls to warm up and to see how long one takes
const READINGS = 48;
const PATIENCE = 10; // how much longer than its processor time a call may take by the clock and still count as short
const OPPOSITES = {
  add: ["remove", "delete"],
  attach: ["detach"],
  connect: ["disconnect"],
  insert: ["remove", "delete"],
  on: ["off"],
  observe: ["unobserve"],
  open: ["close"],
  put: ["remove", "delete"],
  register: ["unregister", "deregister"],
  set: ["unset", "delete", "clear"],
  subscribe: ["unsubscribe"],
  watch: ["unwatch"],
};
const TEARDOWN = ["dispose", "destroy", "close", "stop", "shutdown", "disconnect", "terminate", "ngOnDestroy"];

class Refused extends Error {}

const out = fs.openSync(spec.out, "a", 0o600);
const say = (row) => fs.writeSync(out, JSON.stringify(row) + "\n");
const spent = () => (({ user, system }) => (user + system) / 1e6)(process.cpuUsage());
const clock = () => Number(process.hrtime.bigint()) / 1e9;

// TypeScript is turned into JavaScript by the project's own compiler, without looking at types; where there is none,
// read by a Node that can. The name of the file to load, and whether `require` reads it.
function readTypeScript() {
  let compiler, home;
  for (const from of [file, path.join(spec.top, "package.json")]) {
    try {
      const near = Module.createRequire(from);
      compiler = near("typescript");
      home = path.dirname(near.resolve("typescript/package.json"));
      break;
    } catch {
      continue;
    }
  }
  if (!compiler) {
    if (process.features.typescript) return [file, false];
    throw new Refused("TypeScript needs the project's own compiler here (npm install typescript), or Node 22.18");
  }
  return [compiler.transpileModule ? asItIsLoaded(compiler) : beforehand(home), true];
}

function asItIsLoaded(compiler) {
  const options = {
    module: compiler.ModuleKind.CommonJS,
    target: compiler.ScriptTarget.ES2022,
    jsx: compiler.JsxEmit.React,
    esModuleInterop: true,
    experimentalDecorators: true,
    useDefineForClassFields: true,
  };
  for (const suffix of [".ts", ".tsx", ".cts", ".mts"]) {
    Module._extensions[suffix] = (module, name) => {
      const text = fs.readFileSync(name, "utf8");
      module._compile(compiler.transpileModule(text, { compilerOptions: options, fileName: name }).outputText, name);
    };
  }
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, ...rest) {
    try {
      return resolve.call(this, request, ...rest);
    } catch (error) {
      // TypeScript names a file by what it will become.
      const renamed = /^\.{1,2}\/.*\.[cm]?jsx?$/.test(request) && request.replace(/js(x?)$/, "ts$1");
      if (!renamed) throw error;
      return resolve.call(this, renamed, ...rest);
    }
  };
  return file;
}

// TypeScript 7 has no interface for one file: its command writes the file and all that it imports into a folder.
function beforehand(home) {
  const into = path.join(spec.top, ".repairbot-typescript");
  const options = "--ignoreConfig --noCheck --module commonjs --target es2022 --jsx react --experimentalDecorators";
  const command = [path.join(home, "bin", "tsc"), ...options.split(" "), "--rootDir", spec.top, "--outDir", into, file];
  const ran = spawnSync(process.execPath, command, { encoding: "utf8" });
  fs.mkdirSync(into, { recursive: true });
  fs.writeFileSync(path.join(into, "package.json"), '{"type":"commonjs"}');
  const written = path.join(into, spec.path.replace(/tsx?$/, "js"));
  if (!fs.existsSync(written)) throw new Refused(`tsc wrote nothing: ${(ran.stdout || ran.stderr).slice(0, 200)}`);
  return written;
}

async function load() {
  const [name, required] = /\.[cm]?tsx?$/.test(file) ? readTypeScript() : [file, false];
  let held;
  try {
    held = required ? require(name) : await import(pathToFileURL(name).href);
  } catch (error) {
    throw new Refused(`importing ${spec.path} threw ${said(error)}`);
  }
  const inside = globalThis.__repairbot;
  return (name) => {
    try {
      return inside(name);
    } catch {
      return held[name] ?? held.default?.[name];
    }
  };
}

const said = (error) => `${error?.name ?? "Error"}: ${String(error?.message ?? error).split("\n")[0].slice(0, 200)}`;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "repairbot-call-"));
const shared = new Map();
let number = 0;
let named = () => undefined;

// A plain value by its recipe; see `recipes` of the harness.
function value(recipe) {
  const now = spec.fresh ? number : number % 3;
  switch (recipe.is) {
    case "text":
      return /path|file/i.test(recipe.name) ? given(now) : `${recipe.name}-${now}`;
    case "number":
      return now;
    case "boolean":
      return now % 2 === 1;
    case "bigint":
      return BigInt(now);
    case "bytes":
      return Buffer.from(String(now));
    case "date":
      return new Date(1767225600000 + now * 1000);
    case "null":
      return null;
    case "nothing":
      return undefined;
    case "choice":
      return recipe.of[now % recipe.of.length];
    case "array":
      return recipe.of ? [value(recipe.of)] : [];
    case "tuple":
      return recipe.of.map(value);
    case "map":
      return new Map();
    case "set":
      return new Set();
    case "object":
      return Object.fromEntries(Object.entries(recipe.of).map(([name, one]) => [name, value(one)]));
    case "function":
      return () => (recipe.of ? value(recipe.of) : undefined);
    case "promise":
      return Promise.resolve(recipe.of ? value(recipe.of) : undefined);
    case "error":
      return new Error(`error-${now}`);
    case "enum": {
      const every = Object.values(named(recipe.of) ?? {});
      return every[now % every.length];
    }
    case "shared":
      return once(recipe.of, () => SHARED[recipe.of]());
    case "instance":
      return once(recipe.of, () => made(recipe.of, recipe.with));
    default:
      throw new Refused(`no plain value can be made of ${recipe.is}`);
  }
}

const SHARED = {
  EventEmitter: () => new EventEmitter(),
  EventTarget: () => new EventTarget(),
  AbortSignal: () => new AbortController().signal,
  AbortController: () => new AbortController(),
};

function once(key, make) {
  if (!shared.has(key)) shared.set(key, make());
  return shared.get(key);
}

function made(name, recipes) {
  const kind = named(name);
  if (typeof kind !== "function") throw new Refused(`${name} is not at the top of its module`);
  try {
    return new kind(...recipes.map(value));
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`new ${name}() threw ${said(error)}`);
  }
}

function given(now) {
  const name = path.join(folder, `given-${now % 3}.txt`);
  if (!fs.existsSync(name)) fs.writeFileSync(name, "one\ntwo\n");
  return name;
}

// What to call in every round, and the object whose members are counted.
function prepared() {
  const [holder, method] = spec.symbol.split(".");
  const { function: recipes, constructor: making } = spec.recipes;
  const kind = named(holder);
  if (kind === undefined) throw new Refused(`${holder} is not at the top of its module`);
  if (method === undefined && typeof kind === "function" && making === null) {
    return [() => kind(...recipes.map(value)), null];
  }
  if (method === undefined || method === "constructor") return [() => used(made(holder, making)), null];
  const own = typeof kind === "function" && Object.getOwnPropertyDescriptor(kind.prototype ?? {}, method);
  if (own && own.get) {
    const thing = made(holder, making);
    return [() => thing[method], thing];
  }
  const standing = typeof kind === "function" ? kind[method] : undefined;
  if (!own && typeof standing === "function") return [() => standing.apply(kind, recipes.map(value)), kind];
  const thing = typeof kind === "function" ? made(holder, making) : kind;
  if (typeof thing[method] !== "function") throw new Refused(`${holder} has no ${method}`);
  const back = counterpart(thing, method, recipes.length);
  return [
    () => {
      const values = recipes.map(value);
      const answer = thing[method](...values);
      if (back && typeof answer?.then !== "function") thing[back](...values.slice(0, thing[back].length));
      return answer;
    },
    thing,
  ];
}

// The method that takes back what a method does (removeX for addX): one half alone grows by design.
function counterpart(thing, name, count) {
  const word = /^[a-z]+/.exec(name)?.[0] ?? "";
  for (const opposite of OPPOSITES[word] ?? []) {
    const back = opposite + name.slice(word.length);
    if (typeof thing[back] !== "function") continue;
    if (thing[back].length <= count) return back;
    throw new Refused(`it is one half of a pair, and ${back} needs what is not known here`);
  }
  return "";
}

async function used(thing) {
  const end = TEARDOWN.find((name) => typeof thing[name] === "function");
  if (end) await thing[end]();
}

function entries(held, depth = 3) {
  const inner = (values) => (depth ? [...values].reduce((sum, one) => sum + entries(one, depth - 1), 0) : 0);
  if (Array.isArray(held)) return held.length + inner(held);
  if (held instanceof Map || held instanceof Set) return held.size + inner(held.values());
  if (held && typeof held === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(held))) {
    return Object.keys(held).length + inner(Object.values(held));
  }
  return 0;
}

// What a finding's variable names: "this.jobs", or a name of the module.
function member(thing, name) {
  const [first, ...rest] = name.split(".");
  const start = first === "this" ? thing : (thing?.[first] ?? named(first));
  return rest.reduce((held, one) => held?.[one], start);
}

async function main() {
  named = await load();
  const [call, thing] = prepared();
  let done = 0;
  const again = async (count) => {
    for (let round = 0; round < count; round++) {
      number = done;
      let answer = call();
      if (typeof answer?.then === "function") answer = await within(answer, spec.seconds);
      if (typeof answer?.[Symbol.iterator] === "function" && typeof answer.next === "function") for (const _ of answer);
      done++;
    }
  };
  // As many rounds as fit into the processor time (on a busy machine the clock says little), read at even distances.
  const [began, start] = [spent(), clock()];
  await again(FIRST);
  const each = Math.max((spent() - began) / FIRST, (clock() - start) / FIRST / PATIENCE, 1e-7);
  const rounds = Math.floor(Math.max(2 * READINGS, Math.min(spec.rounds, spec.seconds / 2 / each)));
  while (done < rounds) {
    await again(Math.floor(rounds / READINGS));
    await new Promise(setImmediate);
    globalThis.gc();
    const used = process.memoryUsage();
    const sizes = Object.fromEntries(spec.members.map((name) => [name, entries(member(thing, name))]));
    const handles = process.getActiveResourcesInfo().length;
    say({ x: done, heap: used.heapUsed + used.external, entries: sizes, handles });
    if (spent() - began > 2 * spec.seconds) break;
  }
}

function within(promise, seconds) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Refused(`a call did not come back within ${seconds} s`)), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// A promise that nobody awaited must not end the rounds.
process.on("unhandledRejection", () => undefined);
main()
  .catch((error) => say({ refused: error instanceof Refused ? error.message : `it threw ${said(error)}` }))
  .finally(() => {
    fs.rmSync(folder, { recursive: true, force: true });
    process.exit(0); // timers, sockets and workers of the project need not end
  });
