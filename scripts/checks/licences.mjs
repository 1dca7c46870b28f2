// The product is Apache-2.0: everything that ships must be permissive. GPL tools may be named test peers only.
import { readFileSync } from "node:fs";

const PERMISSIVE = new Set([
  "MIT",
  "MIT-0",
  "ISC",
  "0BSD",
  "BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "MPL-2.0",
  "MPL 2.0",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "CC-BY-3.0",
  "CC-BY-4.0",
  "Unlicense",
  "WTFPL",
  "Zlib",
  "Python-2.0",
  "PostgreSQL",
  "Artistic-2.0",
]);
// Development tools and test peers, never imported by what ships.
const NAMED_EXCEPTIONS = new Map([
  ["elkjs", "part of the code generator prisma (EPL-2.0)"],
  ["solc", "the Solidity compiler, a build tool"],
  ["snarkjs", "test peer of the Groth16 prover"],
  ["ffjavascript", "part of the test peer snarkjs"],
  ["@iden3/bigarray", "part of the test peer snarkjs"],
  ["@iden3/binfileutils", "part of the test peer snarkjs"],
  ["circom_runtime", "part of the test peer snarkjs"],
  ["fastfile", "part of the test peer snarkjs"],
  ["r1csfile", "part of the test peer snarkjs"],
  ["wasmbuilder", "part of the test peer snarkjs"],
  ["wasmcurves", "part of the test peer snarkjs"],
  ["web-worker", "part of the test peer snarkjs"],
]);

// Packages whose manifest states none; the licence file beside it was read.
const READ_FROM_FILE = new Map([["seq-queue@0.0.5", "MIT"]]);

const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"));
const problems = [];
let checked = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  const name = path.split("node_modules/").pop();
  if (!path.includes("node_modules/") || entry.link === true) continue;
  checked += 1;
  const licence = licenceOf(path, entry);
  if (isPermissive(licence)) continue;
  if ((entry.dev === true || entry.devOptional === true) && NAMED_EXCEPTIONS.has(name)) continue;
  problems.push(
    `${name}@${entry.version}: ${licence ?? "no licence stated"}${entry.dev === true ? " (development)" : ""}`,
  );
}
if (problems.length > 0) {
  console.error(`These packages may not ship with an Apache-2.0 product:\n  ${problems.join("\n  ")}`);
  process.exit(1);
}
console.log(`licences of ${checked} packages are permissive`);

function licenceOf(path, entry) {
  const known = READ_FROM_FILE.get(`${path.split("node_modules/").pop()}@${entry.version}`);
  if (known !== undefined) return known;
  if (entry.license !== undefined) return entry.license;
  try {
    const manifest = JSON.parse(readFileSync(new URL(`../../${path}/package.json`, import.meta.url), "utf8"));
    const stated = manifest.license ?? manifest.licenses?.[0];
    return typeof stated === "object" ? stated.type : stated;
  } catch {
    return undefined;
  }
}

/** SPDX expressions: every AND part must be permissive, one OR part suffices. */
function isPermissive(expression) {
  if (typeof expression !== "string") return false;
  const plain = expression.replace(/[()]/g, "").replaceAll("*", "");
  return plain.split(/ AND /i).every((part) => part.split(/ OR /i).some((one) => PERMISSIVE.has(one.trim())));
}
