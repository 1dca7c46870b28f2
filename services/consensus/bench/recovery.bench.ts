import { recoverInWasm, recoverNatively } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import { keccak256 } from "@aios/core-keccak/keccak";
import type { RecoverPublicKey } from "@aios/core-transactions/sender";
import { SigningKey } from "ethers";
import { signRecoverable } from "tiny-secp256k1";

const SIGNATURES = 256;
const SECONDS = 1;

const samples = Array.from({ length: SIGNATURES }, (_, index) => {
  const messageHash = keccak256(Uint8Array.of(1, index));
  return { messageHash, ...signRecoverable(messageHash, keccak256(Uint8Array.of(2, index))) };
});

function perSecond(recover: (sample: (typeof samples)[number]) => unknown): number {
  for (const sample of samples.slice(0, 32)) recover(sample);
  const startedAt = performance.now();
  let count = 0;
  while (performance.now() - startedAt < SECONDS * 1_000) {
    const sample = samples[count++ % SIGNATURES];
    if (sample !== undefined) recover(sample);
  }
  return count / ((performance.now() - startedAt) / 1_000);
}

const own = (recover: RecoverPublicKey): number =>
  perSecond(({ messageHash, signature, recoveryId }) =>
    recover(messageHash, signature, recoveryId === 1 ? 1 : 0),
  );
const peer = perSecond(({ messageHash, signature, recoveryId }) => {
  const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;
  const r = hex(signature.subarray(0, 32));
  const s = hex(signature.subarray(32));
  return SigningKey.recoverPublicKey(messageHash, { r, s, v: 27 + recoveryId });
});

const figures = [
  {
    name: "senders recovered natively, one thread",
    value: recoverNatively === undefined ? null : own(recoverNatively),
    goal: 20_000,
  },
  { name: "senders recovered in WebAssembly, one thread", value: own(recoverInWasm), goal: null },
].map((figure) => ({ ...figure, unit: "/s", better: "higher", peer: "ethers (noble)", peerValue: peer }));
if (process.argv.includes("--json"))
  for (const figure of figures) console.log(JSON.stringify({ suite: "recovery", ...figure }));
else
  console.table(
    figures.map(({ name, value, unit, goal, peerValue }) => ({
      name,
      value: value === null ? "no build for this platform" : Math.round(value),
      unit,
      goal,
      "ethers (noble)": Math.round(peerValue),
    })),
  );
