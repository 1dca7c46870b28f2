import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StakeLedger } from "../../domain/ports.js";
import type { SignedStake } from "../../domain/registration.js";
import { writeAtomically } from "./atomic-file.js";

const FILE = "signed-stakes.json";

/** One small file: permit nonce → wei, decimal. A damaged one stops the program rather than forget what was signed. */
export class FileStakeLedger implements StakeLedger {
  readonly #file: string;

  constructor(directory: string) {
    this.#file = join(directory, FILE);
  }

  async signed(): Promise<readonly SignedStake[]> {
    let text: string;
    try {
      text = await readFile(this.#file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    const stored = JSON.parse(text) as Readonly<Record<string, string>>;
    return Object.entries(stored).map(([nonce, wei]) => ({
      permitNonce: BigInt(nonce),
      stakeWei: BigInt(wei),
    }));
  }

  async add(stake: SignedStake): Promise<void> {
    const all = new Map((await this.signed()).map(({ permitNonce, stakeWei }) => [permitNonce, stakeWei]));
    const known = all.get(stake.permitNonce) ?? -1n;
    if (known >= stake.stakeWei) return;
    all.set(stake.permitNonce, stake.stakeWei);
    const text = Object.fromEntries([...all].map(([nonce, wei]) => [nonce.toString(), wei.toString()]));
    await writeAtomically(this.#file, JSON.stringify(text));
  }
}
