// Generates TypeScript from proto/ into generated/. Does nothing when no input changed, and touches only files
// whose text changed, so that incremental compilation stays incremental.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buf, root } from "./buf.mjs";

const packageDir = dirname(dirname(fileURLToPath(import.meta.url)));
const outputDir = join(packageDir, "generated");
const stampFile = join(outputDir, ".inputs");

const inputs = inputDigest();
if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === inputs) process.exit(0);

const staging = mkdtempSync(join(tmpdir(), "aios-proto-"));
try {
  const result = buf("generate", "--output", staging);
  if (result.status !== 0) {
    process.stderr.write(
      `${result.stderr ?? ""}${result.error?.message ?? ""}\ncould not generate code from proto/.\n`,
    );
    process.exit(1);
  }
  synchronise();
} finally {
  rmSync(staging, { recursive: true, force: true });
}

function synchronise() {
  const wanted = new Set(filesUnder(staging).map((file) => relative(staging, file)));
  for (const name of wanted) {
    const text = readFileSync(join(staging, name), "utf8");
    const target = join(outputDir, name);
    if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeAtomically(target, text);
  }
  for (const file of filesUnder(outputDir)) {
    if (!wanted.has(relative(outputDir, file))) rmSync(file, { force: true });
  }
  writeAtomically(stampFile, inputs);
}

function writeAtomically(target, text) {
  mkdirSync(dirname(target), { recursive: true });
  const staged = `${target}.${process.pid}`;
  writeFileSync(staged, text);
  renameSync(staged, target);
}

function inputDigest() {
  const hash = createHash("sha256");
  const files = [
    join(root, "buf.gen.yaml"),
    join(root, "node_modules", "ts-proto", "package.json"),
    fileURLToPath(import.meta.url),
    ...filesUnder(join(root, "proto")),
  ];
  for (const file of files)
    hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

function filesUnder(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
