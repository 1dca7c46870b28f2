import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { HonkEncoder } from "@aios/barretenberg/honk-encoder";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { readPowersOfTau } from "@aios/core-groth16/powers-of-tau";
import {
  developmentReferenceString,
  type ReferenceString,
  referenceStringFromPowers,
  tauG2Words,
} from "@aios/core-ultra-honk/reference-string";
import { isCodedError } from "@aios/kernel/coded-error";
import type { ServiceContext } from "@aios/service-kit/service-context";
import type { Calculations } from "../../application/calculations.js";
import { HonkBackEnd } from "../../application/honk-back-end.js";
import type { proverSettings } from "../../config.js";
import { honkPowersDiffer, proofSystemUnavailable } from "../../domain/errors.js";
import type { TauG2Words } from "../../domain/ports.js";
import { openProcessDirectory } from "./process-directory.js";

const SEED_BYTES = 32;
/** tau·G2 and the words of trust are the same at every size. */
const SMALLEST_LOG_ROWS = 2;

type Strings = (logRows: number) => ReferenceString;

/**
 * UltraHonk by the native prover. Circuits, and weights in them, lie in a directory of this process that only its user
 * can enter. It goes with the process; after a crash the next one removes it. Throws `proof-system-unavailable` on
 * machines that there is no program for.
 */
export async function honkBackEnd(
  context: ServiceContext<typeof proverSettings>,
  calculations: Pick<Calculations, "verifyHonk"> & HonkEncoder,
): Promise<{ readonly backEnd: HonkBackEnd; readonly tauG2: TauG2Words }> {
  const { settings } = context;
  const strings = await referenceStrings(
    settings.PROVER_HONK_POWERS_FILE,
    settings.PROVER_HONK_POWERS_SHA256,
  );
  const smallest = strings(SMALLEST_LOG_ROWS);
  const directory = await openProcessDirectory(join(settings.AIOS_DATA_DIR, "honk"));
  const removeDirectory = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const prover = new UltraHonkProver({
      directory,
      referenceString: async (logRows) => strings(logRows),
      threads: settings.PROVER_THREADS,
      maxLogRows: settings.PROVER_HONK_MAX_LOG_ROWS,
      encoder: calculations,
    });
    context.onShutdown("UltraHonk prover", async () => {
      await prover.close();
      await removeDirectory();
    });
    return { backEnd: new HonkBackEnd(prover, smallest, calculations), tauG2: tauG2Words(smallest.tauG2) };
  } catch (error) {
    await removeDirectory();
    if (!isCodedError(error) || error.code !== "prover-unavailable") throw error;
    throw proofSystemUnavailable("ultrahonk-bn254", error.message);
  }
}

async function referenceStrings(file: string, expected: string): Promise<Strings> {
  if (file === "") return developmentReferenceString;
  const powers = readPowersOfTau(await readFile(file));
  const hash = Buffer.from(powers.hash).toString("hex");
  if (hash !== expected) throw honkPowersDiffer(hash, expected);
  return (logRows) => referenceStringFromPowers(powers, logRows, randomBytes(SEED_BYTES));
}
