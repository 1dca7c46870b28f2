import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, fromHex } from "@aios/core-rlp/hex";
import { StartedThreads } from "@aios/testkit/started-threads";
import { computeAddress, SigningKey } from "ethers";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { senderRecoveryConformance } from "../../../test/conformance/sender-recovery.conformance.js";
import type { SignatureToRecover } from "../../domain/ports.js";
import { recoverInWasm, recoverNatively, recoverPublicKey } from "./recover-public-key.js";
import { RecoveryPool } from "./recovery-pool.js";

const script = new URL("../../../dist/src/node/recovery-worker.js", import.meta.url);

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

it("has no thread while it rests, and starts one for the next request", async () => {
  using threads = new StartedThreads();
  const pool = new RecoveryPool(recoverPublicKey, { script, workers: 1, maxQueued: 64, batchSize: 16 });
  const many = Array.from({ length: 32 }, () => INVALID);
  expect(await pool.recoverAll(many)).toHaveLength(many.length);
  await pool.rest();
  expect(await threads.crash()).toBe(0);
  expect(await pool.recoverAll(many)).toHaveLength(many.length);
  expect(await threads.crash()).toBe(1);
  await pool.close();
});

for (const workers of [0, 1, 2]) {
  const threads = new StartedThreads();
  afterAll(() => threads[Symbol.dispose]());
  senderRecoveryConformance(
    `RecoveryPool with ${workers} threads`,
    (maxQueued) => new RecoveryPool(recoverPublicKey, { script, workers, maxQueued, batchSize: 16 }),
    workers === 0 ? undefined : () => threads.crash(),
  );
}
