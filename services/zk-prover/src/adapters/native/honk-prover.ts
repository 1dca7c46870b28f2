import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import {
  developmentReferenceString,
  type ReferenceString,
  referenceStringFromPowers,
} from "@aios/core-ultra-honk/reference-string";
import { isCodedError } from "@aios/kernel/coded-error";
import type { ServiceContext } from "@aios/service-kit/service-context";
import { HonkBackEnd } from "../../application/honk-back-end.js";
import type { proverSettings } from "../../config.js";
import { powersNotListed } from "../../domain/errors.js";

const PREFIX = "aios-honk-";
const SEED_BYTES = 32;
/** tau·G2 and the words of trust are the same at every size. */
const SMALLEST_LOG_ROWS = 2;

type Strings = (logRows: number) => ReferenceString;

/**
 * UltraHonk by the native prover; `undefined` on machines that it has no program for. Circuits, and weights in them, lie
 * in a directory of this process that only its user can enter. It goes with the process; after a crash the next one
 * removes it.
 */
export async function honkBackEnd(
  context: ServiceContext<typeof proverSettings>,
): Promise<HonkBackEnd | undefined> {
  const { settings, logger } = context;
  const strings = await referenceStrings(settings.PROVER_HONK_POWERS_FILE, settings.PROVER_LISTED_POWERS);
  await removeLeftBehind();
  const directory = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const removeDirectory = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const prover = new UltraHonkProver({
      directory,
      referenceString: async (logRows) => strings(logRows),
      threads: settings.PROVER_THREADS,
      maxLogRows: settings.PROVER_HONK_MAX_LOG_ROWS,
    });
    context.onShutdown("UltraHonk prover", async () => {
      await prover.close();
      await removeDirectory();
    });
    return new HonkBackEnd(prover, strings(SMALLEST_LOG_ROWS));
  } catch (error) {
    await removeDirectory();
    if (!isCodedError(error) || error.code !== "prover-unavailable") throw error;
    logger.warn({ error }, "UltraHonk proofs are not made here");
    return undefined;
  }
}

/** Directories of processes that are no more. */
async function removeLeftBehind(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d{1,10})-`).exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's is running as well.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function referenceStrings(file: string, listed: readonly string[]): Promise<Strings> {
  if (file === "") return developmentReferenceString;
  const powers = readPowersOfTau(new Uint8Array(await readFile(file)));
  const hash = Buffer.from(powers.hash).toString("hex");
  if (!listed.includes(hash)) throw powersNotListed(hash);
  return (logRows) => referenceStringFromPowers(powers, logRows, randomBytes(SEED_BYTES));
}
