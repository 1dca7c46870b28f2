import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, fromHex } from "@aios/core-rlp/hex";
import { isCodedError } from "@aios/kernel/coded-error";
import { computeAddress, SigningKey } from "ethers";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { SignatureToRecover } from "../../domain/ports.js";
import { recoverInWasm, recoverNatively, recoverPublicKey } from "./recover-public-key.js";
import { RecoveryPool } from "./recovery-pool.js";

const script = new URL("../../../dist/src/recovery-worker.js", import.meta.url);
const pools: RecoveryPool[] = [];

function pool(change: Partial<{ workers: number; maxQueued: number }> = {}): RecoveryPool {
  const out = new RecoveryPool(recoverPublicKey, {
    script,
    workers: 1,
    maxQueued: 1_000,
    batchSize: 16,
    ...change,
  });
  pools.push(out);
  return out;
}

afterAll(async () => {
  for (const each of pools) await each.close();
});

function signed(seed: number): { readonly signature: SignatureToRecover; readonly sender: string } {
  const key = new SigningKey(keccak256(Uint8Array.of(1, seed & 255, seed >> 8)));
  const messageHash = keccak256(Uint8Array.of(2, seed & 255, seed >> 8));
  const { r, s, yParity } = key.sign(messageHash);
  const compact = Uint8Array.of(...fromHex(r), ...fromHex(s));
  return {
    signature: { messageHash, compact, recoveryId: yParity },
    sender: computeAddress(key).toLowerCase(),
  };
}

const INVALID: SignatureToRecover = {
  messageHash: new Uint8Array(32).fill(1),
  compact: new Uint8Array(64).fill(0),
  recoveryId: 0,
};

describe("recovery of public keys", () => {
  it("gives the signer's address", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { signature, sender } = signed(seed);
      const key = recoverPublicKey(signature.messageHash, signature.compact, signature.recoveryId);
      expect(key === undefined ? "" : addressOf(keccak256(key).subarray(12))).toBe(sender);
    }
  });

  it.runIf(recoverNatively !== undefined)("is the same natively and in WebAssembly, for any bytes", () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(
        bytes(32),
        bytes(64),
        fc.constantFrom(0 as const, 1 as const),
        (hash, compact, recoveryId) => {
          const native = recoverNatively?.(hash, compact, recoveryId);
          const wasm = recoverInWasm(hash, compact, recoveryId);
          expect(native && [...native]).toEqual(wasm && [...wasm]);
        },
      ),
      { numRuns: 500 },
    );
    expect(recoverNatively?.(INVALID.messageHash, INVALID.compact, 0)).toBeUndefined();
    expect(recoverInWasm(INVALID.messageHash, INVALID.compact, 0)).toBeUndefined();
  });
});

describe("RecoveryPool", () => {
  it.each([0, 1, 2])("gives every request its own answer, with %i threads", async (workers) => {
    const recovery = pool({ workers });
    const all = Array.from({ length: 100 }, (_, seed) => signed(seed));
    const results = await Promise.allSettled(
      all.flatMap(({ signature }) => [recovery.recover(signature), recovery.recover(INVALID)]),
    );
    results.forEach((result, index) => {
      const expected = all[index >> 1];
      if (index % 2 === 1)
        expect(result).toMatchObject({ status: "rejected", reason: { code: "invalid-signature" } });
      else expect(result).toEqual({ status: "fulfilled", value: expected?.sender });
    });
  });

  it("refuses what is beyond its queue and answers the rest", async () => {
    const recovery = pool({ maxQueued: 50 });
    const results = await Promise.allSettled(
      Array.from({ length: 80 }, (_, seed) => recovery.recover(signed(seed).signature)),
    );
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(50);
    for (const result of results.slice(50))
      expect(result).toMatchObject({ status: "rejected", reason: { code: "recovery-busy" } });
  });

  it("refuses what waits when it is closed", async () => {
    const recovery = pool();
    const waiting = Promise.allSettled(
      Array.from({ length: 40 }, (_, seed) => recovery.recover(signed(seed).signature)),
    );
    await recovery.close();
    for (const result of await waiting)
      expect(result.status === "rejected" && isCodedError(result.reason) && result.reason.code).toBe(
        "node-stopping",
      );
  });
});
