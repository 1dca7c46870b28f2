// Phase one of every command: runs on the system's Node, brings up the pinned Node 24, installs what the
// lock file names, builds what changed, then hands over. Plain JavaScript without dependencies, because
// nothing is installed yet; what a Node that is too old lacks is not imported by name, so that it is told.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs, { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stateDir = join(root, ".aios");
const MINIMUM_NODE = [20, 19];
const MINIMUM_FREE_BYTES = 3 * 1024 ** 3;

const COMMANDS = {
  start: { run: ["apps/launcher/dist/src/main.js", "start"] },
  aios: { run: ["apps/cli/dist/src/main.js"] },
  test: { run: ["scripts/test.mjs"] },
  bench: { run: ["scripts/bench.mjs"] },
  conformance: { run: ["apps/conformance/dist/src/main.js"] },
  fuzz: { run: ["cores/evm/dist/test/fuzz/main.js"] },
  "test:faults": { run: ["e2e/dist/src/faults.js"] },
  testnet: { run: ["services/consensus/dist/src/testnet/main.js"] },
  provider: { run: ["apps/provider/dist/src/main.js"] },
  images: { run: ["deploy/docker/build-images.mjs"] },
  "test:cluster": { run: ["deploy/dist/src/cluster-check.js"] },
  build: { run: undefined },
};

const [command = "start", ...args] = process.argv.slice(2);
await main();

async function main() {
  const target = COMMANDS[command];
  if (target === undefined)
    fail(`unknown command '${command}'. There are: ${Object.keys(COMMANDS).join(", ")}.`);
  checkSystemNode();
  checkDisk();
  const node = pinnedNode();
  install(node);
  build(node);
  if (target.run !== undefined) handOver(node, target.run);
}

function checkSystemNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  fail(
    `Node ${MINIMUM_NODE.join(".")} or newer is needed, this is ${process.versions.node}. Install a newer Node and run again.`,
  );
}

function checkDisk() {
  if (existsSync(join(stateDir, "installed.json"))) return;
  const { bavail, bsize } = fs.statfsSync(root);
  if (bavail * bsize >= MINIMUM_FREE_BYTES) return;
  const freeMiB = Math.floor((bavail * bsize) / 1024 ** 2);
  fail(
    `The disk that holds ${root} has ${freeMiB} MiB free; the installation needs about 3 GiB. Free some space and run again.`,
  );
}

/** The pinned Node's binary; installed on first use and checked. */
function pinnedNode() {
  const { nodeRuntime } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const platform = `${process.platform}-${process.arch}`;
  const specifier = nodeRuntime[platform];
  if (specifier === undefined) {
    fail(`There is no pinned Node for ${platform}. Supported: ${Object.keys(nodeRuntime).join(", ")}.`);
  }
  const [packageName, version] = specifier.split("@");
  const home = join(stateDir, "node", version);
  const binary = join(home, "node_modules", packageName, "bin", "node");
  if (!existsSync(binary)) {
    say(`installing Node ${version}`);
    const staging = `${home}.${process.pid}`;
    mkdirSync(staging, { recursive: true });
    writeFileSync(join(staging, "package.json"), '{ "private": true }\n');
    run(
      process.execPath,
      [npmCli(), "install", "--ignore-scripts", "--no-save", "--no-audit", "--prefix", staging, specifier],
      {
        cwd: staging,
        quiet: true,
      },
    );
    rmSync(home, { recursive: true, force: true });
    renameSync(staging, home);
  }
  const reported = spawnSync(binary, ["--version"], { encoding: "utf8" }).stdout?.trim();
  if (reported !== `v${version}`) {
    fail(`${binary} reports '${reported}' instead of v${version}. Remove ${home} and run again.`);
  }
  return { binary, binDir: dirname(binary) };
}

function install(node) {
  const lock = digestOf(["package-lock.json", "package.json"]);
  const marker = join(stateDir, "installed.json");
  if (existsSync(join(root, "node_modules")) && readJson(marker)?.lock === lock) return;
  say("installing packages (the first time takes a minute or two)");
  run(node.binary, [npmCli(), "ci", "--no-audit", "--no-fund"], { node, quiet: true });
  writeFileSync(marker, JSON.stringify({ lock }));
}

function build(node) {
  run(node.binary, [join(root, "scripts", "build.mjs")], { node });
}

/** Becomes the program as far as others can tell: its exit code, and signals that are sent to this process alone. */
function handOver(node, [script, ...fixed]) {
  const child = spawn(node.binary, [join(root, script), ...fixed, ...args], {
    cwd: root,
    stdio: "inherit",
    env: environment(node),
  });
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) {
    process.on(signal, () => {
      // Ctrl-C reaches the whole terminal's group. The launcher takes one signal as well as two; others may not.
      if (signal !== "SIGINT" || command === "start") child.kill(signal);
    });
  }
  child.once("error", (error) => fail(`${script} could not be started: ${error.message}`));
  child.once("exit", (code) => process.exit(code ?? 1));
}

function environment(node) {
  return {
    ...process.env,
    PATH: `${node.binDir}:${join(root, "node_modules", ".bin")}:${process.env.PATH}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(stateDir, "compile-cache"),
  };
}

function run(file, argv, { node, cwd = root, quiet = false } = {}) {
  const result = spawnSync(file, argv, {
    cwd,
    stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit",
    encoding: "utf8",
    env: node === undefined ? process.env : environment(node),
    maxBuffer: 64 * 1024 ** 2,
  });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}`);
  fail(
    `'${argv.map((part) => part.replace(`${root}/`, "")).join(" ")}' failed (exit code ${result.status ?? result.signal}). Its output is above.`,
  );
}

function npmCli() {
  if (process.env.npm_execpath?.endsWith(".js")) return process.env.npm_execpath;
  const beside = join(dirname(process.execPath), "..", "lib", "node_modules", "npm", "bin", "npm-cli.js");
  if (existsSync(beside)) return beside;
  return fail("npm was not found. Run this through npm: `npm start`, `npm test`.");
}

function digestOf(files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

function say(text) {
  process.stderr.write(`aios: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
