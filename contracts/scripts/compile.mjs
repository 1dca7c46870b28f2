// Compiles solidity/ (and test/solidity/) with npm solc and writes generated/: an ABI module, a byte code module, a
// module of the storage layout and a JSON artefact per contract. Does nothing while the inputs are unchanged.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { jobStatesSource } from "./job-states-source.mjs";

const require = createRequire(import.meta.url);
const home = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(home, "generated");
const stampFile = join(output, "inputs.sha256");
const openZeppelin = dirname(require.resolve("@openzeppelin/contracts/package.json"));

const SETTINGS = {
  evmVersion: "cancun",
  viaIR: false,
  optimizer: { enabled: true, runs: 1000 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: {
    "*": { "*": ["abi", "storageLayout", "evm.bytecode.object", "evm.deployedBytecode.object"] },
  },
};

const sources = { ...sourcesOf("solidity"), ...sourcesOf("test/solidity") };
checkJobStates();
const stamp = inputDigest();
if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) process.exit(0);
writeAll(compile());

function sourcesOf(folder) {
  const entries = readdirSync(join(home, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".sol"));
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [relative(home, path), { content: readFileSync(path, "utf8") }]),
  );
}

function checkJobStates() {
  if (sources["solidity/JobStates.sol"]?.content === jobStatesSource()) return;
  fail(
    "solidity/JobStates.sol differs from the state table. Run `npm run generate:job-states -w contracts`.",
  );
}

function inputDigest() {
  const hash = createHash("sha256").update(JSON.stringify([sources, SETTINGS]));
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  for (const name of ["@openzeppelin/contracts/package.json", "solc/package.json"]) {
    hash.update(JSON.parse(readFileSync(require.resolve(name), "utf8")).version);
  }
  return hash.digest("hex");
}

function compile() {
  // Loaded here only: the compiler takes a second to start.
  const solc = require("solc");
  const input = { language: "Solidity", sources, settings: SETTINGS };
  const result = JSON.parse(solc.compile(JSON.stringify(input), { import: readImport }));
  const messages = (result.errors ?? []).filter(isOurs);
  if (messages.length > 0) fail(messages.map((message) => message.formattedMessage).join("\n"));
  return result.contracts;
}

function isOurs({ severity, sourceLocation }) {
  return severity === "error" || !sourceLocation?.file.startsWith("@openzeppelin/");
}

function readImport(path) {
  const prefix = "@openzeppelin/contracts/";
  if (!path.startsWith(prefix)) return { error: `'${path}' is not a known import.` };
  const file = join(openZeppelin, path.slice(prefix.length));
  return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: `'${path}' does not exist.` };
}

function writeAll(contracts) {
  rmSync(output, { recursive: true, force: true });
  for (const folder of ["abi", "bytecode", "storage", "artifacts", "test"])
    mkdirSync(join(output, folder), { recursive: true });
  const errorAbis = new Map();
  for (const [path, byName] of Object.entries(contracts)) {
    if (path.startsWith("@openzeppelin/")) continue;
    for (const [name, contract] of Object.entries(byName)) {
      for (const item of contract.abi) {
        if (item.type === "error" && !path.startsWith("test/"))
          errorAbis.set(JSON.stringify([item.name, item.inputs]), item);
      }
      // Libraries of internal functions leave nothing to deploy; their errors are in the ABIs that use them.
      const deployable =
        contract.evm.bytecode.object !== "" && contract.abi.some((item) => item.type !== "error");
      if (deployable) writeContract(path, name, contract);
    }
  }
  const errors = [...errorAbis.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  writeFileSync(join(output, "abi", "all-errors.ts"), abiModule(errors));
  writeFileSync(stampFile, stamp);
}

function writeContract(path, name, { abi, evm, storageLayout }) {
  const folder = path.startsWith("test/") ? "test" : "";
  const bytecode = `0x${evm.bytecode.object}`;
  const deployedBytecode = `0x${evm.deployedBytecode.object}`;
  if (folder === "test") {
    writeFileSync(join(output, folder, `${kebab(name)}.ts`), abiModule(abi) + bytecodeModule(bytecode));
    return;
  }
  writeFileSync(join(output, "abi", `${kebab(name)}.ts`), abiModule(abi));
  writeFileSync(join(output, "bytecode", `${kebab(name)}.ts`), bytecodeModule(bytecode));
  writeFileSync(join(output, "storage", `${kebab(name)}.ts`), storageModule(storageLayout));
  writeFileSync(
    join(output, "artifacts", `${name}.json`),
    JSON.stringify({ contractName: name, abi, bytecode, deployedBytecode }, null, 1),
  );
}

function abiModule(abi) {
  return `export const abi = ${JSON.stringify(abi, null, 1)} as const;\n`;
}

function bytecodeModule(bytecode) {
  return `export const bytecode: string =\n  "${bytecode}";\n`;
}

/** Where the contract's variables lie; of a struct, and of a mapping to one, also where its members do in it. */
function storageModule({ storage, types }) {
  const place = ({ slot, offset, type }) => ({
    slot: Number(slot),
    offset,
    bytes: Number(types[type].numberOfBytes),
  });
  const places = (members) => Object.fromEntries(members.map((member) => [member.label, place(member)]));
  const variables = storage.map((variable) => {
    const { members } = types[types[variable.type].value ?? variable.type];
    const inside = members === undefined ? {} : { members: places(members) };
    return [variable.label, { ...place(variable), ...inside }];
  });
  return `export const storage = ${JSON.stringify(Object.fromEntries(variables), null, 1)} as const;\n`;
}

function kebab(name) {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
