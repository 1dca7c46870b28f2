import { setImmediate as nextTurn } from "node:timers/promises";
import { CodedError } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { oversized } from "../domain/errors.js";
import type { TransactionCodec } from "../domain/ports.js";
import type { SignedTransaction } from "../domain/transaction.js";

/** About a millisecond's work. */
const DECODED_TOGETHER = 128;

/** Takes decoded transactions into the pool: of each why not, where it is refused. */
export type Admit = (
  transactions: readonly SignedTransaction[],
) => Promise<readonly (CodedError | undefined)[]>;

/** From raw bytes to the pool: decodes, checks and recovers in the thread that it is called in. */
export class Admission {
  constructor(
    private readonly codec: Pick<TransactionCodec, "admitAll">,
    private readonly maxTransactionBytes: number,
    private readonly admit: Admit,
  ) {}

  /** Admits raw bytes: of each its hash, once a crash no longer loses it, or the admission error. */
  async submitAll(raws: readonly Uint8Array[]): Promise<readonly (Bytes32 | CodedError)[]> {
    const limit = this.maxTransactionBytes;
    const decoded = await this.#decoded(raws.filter(({ length }) => length <= limit));
    const sound = decoded.filter((each) => !(each instanceof CodedError)) as SignedTransaction[];
    const refusals = sound.length === 0 ? [] : await this.admit(sound);
    let [nextDecoded, nextSound] = [0, 0];
    return raws.map(({ length }) => {
      if (length > limit) return oversized(length, limit);
      const transaction = decoded[nextDecoded++] as SignedTransaction | CodedError;
      if (transaction instanceof CodedError) return transaction;
      return refusals[nextSound++] ?? transaction.hash;
    });
  }

  /** In parts, so that others are answered in between and the first senders are recovered while the rest is decoded. */
  async #decoded(raws: readonly Uint8Array[]): Promise<readonly (SignedTransaction | CodedError)[]> {
    if (raws.length <= DECODED_TOGETHER) return await this.codec.admitAll(raws);
    const parts: ReturnType<TransactionCodec["admitAll"]>[] = [];
    for (let at = 0; at < raws.length; at += DECODED_TOGETHER) {
      if (at > 0) await nextTurn();
      const part = this.codec.admitAll(raws.slice(at, at + DECODED_TOGETHER));
      // Nobody waits for it before the last part has begun.
      part.catch(() => undefined);
      parts.push(part);
    }
    return (await Promise.all(parts)).flat();
  }
}
