import { createHash, randomBytes } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, realpathSync, renameSync, rmSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import { referenceStringFromPowers, tauG2Words } from "@aios/core-ultra-honk/reference-string";
import { CodedError } from "@aios/kernel/coded-error";

const SEED_BYTES = 32;
/** tau·G2 is the same at every size. */
const SMALLEST_LOG_ROWS = 2;
const KEPT = "honk-powers.ptau";

/**
 * What UltraHonk's reference string is made of. The contracts are deployed with its `tauG2`, the prover is given its file:
 * both from one setting, since under two different ones no proof settles.
 */
export interface HonkPowers {
  readonly file: string;
  /** SHA-256 of the file, hex. */
  readonly hash: string;
  readonly tauG2: readonly [string, string, string, string];
}

/**
 * Reads powers of tau in snarkjs' format and checks the first of them. Throws `malformed-powers-of-tau`,
 * `powers-of-tau-too-small`, and `honk-powers-differ` where the file has another hash than `expected`.
 */
export function readHonkPowers(file: string, expected?: string): HonkPowers {
  const powers = readPowersOfTau(readFileSync(file));
  const hash = Buffer.from(powers.hash).toString("hex");
  if (expected !== undefined && hash !== expected)
    throw differing(`The powers of tau in ${file} have sha256 ${hash}, not ${expected}.`);
  const { tauG2 } = referenceStringFromPowers(powers, SMALLEST_LOG_ROWS, randomBytes(SEED_BYTES));
  return { file, hash, tauG2: tauG2Words(tauG2) };
}

/**
 * To be asked before a data directory is wiped: that the powers are there to begin with after that, and can be read. Throws
 * `honk-powers-in-data-dir`, and what reading throws.
 */
export function requireHonkPowers(dataDir: string, asked: string): void {
  const below = relative(realpathSync(dataDir), realpathSync(asked));
  if (!isAbsolute(below) && below.split(sep)[0] !== "..")
    throw new CodedError({
      code: "honk-powers-in-data-dir",
      kind: "invalid",
      message: `${asked} lies in ${dataDir}, which is about to be wiped. Move it elsewhere first.`,
    });
  readHonkPowers(asked);
}

/**
 * The powers of a data directory: those that its chain began with, kept beside it, or `asked` for a new one. `undefined`
 * stands for the development string, under which everybody can forge. Throws `honk-powers-differ` where a chain that
 * has begun is asked for others: the keys of its models would verify no more.
 */
export function honkPowersOf(
  dataDir: string,
  asked: string | undefined,
  isNew: boolean,
): HonkPowers | undefined {
  const kept = join(dataDir, KEPT);
  if (isNew) {
    rmSync(kept, { force: true });
    return asked === undefined ? undefined : keep(asked, kept);
  }
  const known = existsSync(kept) ? readHonkPowers(kept) : undefined;
  if (asked === undefined || hashOf(asked) === known?.hash) return known;
  throw differing(
    `The chain in ${dataDir} began with ${known === undefined ? "the development reference string" : `powers of tau with sha256 ${known.hash}`}. Leave --honk-powers out, start with --fresh, or choose another --data-dir.`,
  );
}

/** A file that was not copied whole, or is none, is not there at the next start. */
function keep(asked: string, kept: string): HonkPowers {
  const fresh = `${kept}.new`;
  copyFileSync(asked, fresh);
  try {
    const powers = readHonkPowers(fresh);
    renameSync(fresh, kept);
    return { ...powers, file: kept };
  } finally {
    rmSync(fresh, { force: true });
  }
}

function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function differing(message: string): CodedError {
  return new CodedError({ code: "honk-powers-differ", kind: "conflict", message });
}
