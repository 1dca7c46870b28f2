import { blsPublicKey, blsSign, blsSignatures } from "../src/bls-signatures.js";
import { makeCertificate, verifyCertificate } from "../src/certificate.js";
import { checkpointId } from "../src/checkpoint.js";
import { signedBytes } from "../src/messages.js";
import { quorumOf } from "../src/quorum.js";

const SUITE = "finality";
const SIZE = 21;
const json = process.argv.includes("--json");
const secrets = Array.from({ length: SIZE }, (_, node) => new Uint8Array(32).fill(node + 1));
const keys = { chainId: "bench", publicKeys: secrets.map(blsPublicKey) };
const checkpoint = { height: 1, parentId: "p", parentRound: 0, tip: "t", attestedRoot: "r" };
const vote = {
  kind: "precommit",
  height: 1,
  round: 0,
  checkpointId: checkpointId(checkpoint),
  sender: 0,
} as const;
const bytes = signedBytes(keys.chainId, vote);
const precommits = secrets
  .map((secret, sender) => ({ sender, signature: blsSign(secret, bytes) }))
  .slice(0, quorumOf(SIZE).quorum);
const certificate = makeCertificate(blsSignatures, keys, checkpoint, 0, precommits);
const secret = secrets[0] as Uint8Array;

report("sign a vote, p50", 15, undefined, () => blsSign(secret, bytes));
report("make a certificate of 15 of 21, p50", 15, undefined, () =>
  makeCertificate(blsSignatures, keys, checkpoint, 0, precommits),
);
report("verify a certificate of 15 of 21, p50", 15, 3, () =>
  verifyCertificate(blsSignatures, keys, certificate),
);

function report(name: string, runs: number, goal: number | undefined, work: () => unknown): void {
  work();
  const times = Array.from({ length: runs }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  }).sort((a, b) => a - b);
  const value = Math.round((times[runs >> 1] as number) * 100) / 100;
  if (json)
    console.log(
      JSON.stringify({ suite: SUITE, name, value, unit: "ms", goal: goal ?? null, better: "lower" }),
    );
  else
    console.log(
      `${name.padEnd(44)} ${value.toFixed(2).padStart(10)} ms${goal === undefined ? "" : `   goal ${goal} ms`}`,
    );
}
