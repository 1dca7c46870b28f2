import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StakeLedger } from "../../domain/ports.js";
import type { SignedStake, StakedToken } from "../../domain/registration.js";
import { writeAtomically } from "./atomic-file.js";

const FILE = "signed-stakes.json";
/** `chain id:token:permit nonce`. */
const KEY = /^(?:(\d{1,78}:0x[0-9a-f]{40}):)?(\d{1,78})$/;
const WEI = /^\d{1,78}$/;

/**
 * One small file: key → wei, decimal. A damaged one stops the program rather than forget what was signed. An earlier
 * release wrote the permit nonce alone: such a stake may have been signed for any token, so it counts for every one.
 */
export class FileStakeLedger implements StakeLedger {
  readonly #file: string;

  constructor(directory: string) {
    this.#file = join(directory, FILE);
  }

  async signed(token: StakedToken): Promise<readonly SignedStake[]> {
    const own = prefixOf(token);
    const byNonce = new Map<bigint, bigint>();
    for (const [key, stakeWei] of await this.#read()) {
      const [, prefix = own, nonce = ""] = KEY.exec(key) ?? [];
      if (prefix === own) keepLarger(byNonce, BigInt(nonce), stakeWei);
    }
    return [...byNonce].map(([permitNonce, stakeWei]) => ({ permitNonce, stakeWei }));
  }

  async add(token: StakedToken, { permitNonce, stakeWei }: SignedStake): Promise<void> {
    const all = await this.#read();
    if (!keepLarger(all, `${prefixOf(token)}:${permitNonce}`, stakeWei)) return;
    const text = Object.fromEntries([...all].map(([key, wei]) => [key, wei.toString()]));
    await writeAtomically(this.#file, JSON.stringify(text));
  }

  async #read(): Promise<Map<string, bigint>> {
    let text: string;
    try {
      text = await readFile(this.#file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
      throw error;
    }
    return new Map(
      Object.entries(JSON.parse(text) as Readonly<Record<string, unknown>>).map(([key, wei]) => {
        if (!KEY.test(key) || typeof wei !== "string" || !WEI.test(wei))
          throw new TypeError(`${this.#file} is damaged at ${key}.`);
        return [key, BigInt(wei)];
      }),
    );
  }
}

function prefixOf({ chainId, address }: StakedToken): string {
  return `${chainId}:${address}`;
}

/** Whether this one is the larger. */
function keepLarger<K>(stakes: Map<K, bigint>, key: K, stakeWei: bigint): boolean {
  const known = stakes.get(key);
  if (known !== undefined && known >= stakeWei) return false;
  stakes.set(key, stakeWei);
  return true;
}
