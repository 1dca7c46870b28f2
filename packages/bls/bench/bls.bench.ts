import { blsSignatures } from "@aios/core-finality/bls-signatures";
import { makeCertificate, verifyCertificate } from "@aios/core-finality/certificate";
import { checkpointId } from "@aios/core-finality/checkpoint";
import { signedBytes } from "@aios/core-finality/messages";
import { quorumOf } from "@aios/core-finality/quorum";
import type { BlsSignatures } from "@aios/core-finality/signature-scheme";
import { fastestBls } from "../src/fastest-bls.js";

const SUITE = "bls";
const json = process.argv.includes("--json");
const { signatures: native, implementation } = await fastestBls();

for (const size of [21, 201]) {
  const secrets = Array.from({ length: size }, (_, node) =>
    new Uint8Array(32).fill((node % 100) + 1).fill(node >> 5, 0, 1),
  );
  const keys = { chainId: "bench", publicKeys: secrets.map(native.publicKey) };
  const checkpoint = {
    height: 1,
    parentId: "p",
    parentRound: 0,
    tip: "t",
    tick: 7,
    attestedRoot: "r",
    nextSetId: "s",
  };
  const { quorum } = quorumOf(size);
  const id = checkpointId(checkpoint);
  const bytes = signedBytes(keys.chainId, {
    kind: "precommit",
    height: 1,
    round: 0,
    checkpointId: id,
    sender: 0,
  });
  const precommits = secrets
    .map((secret, sender) => ({ sender, signature: native.sign(secret, bytes) }))
    .slice(0, quorum);
  const certificate = makeCertificate(native, keys, checkpoint, 0, precommits);
  const secret = secrets[0] as Uint8Array;
  compare(`verify a certificate of ${quorum} of ${size}`, size === 21 ? 3 : undefined, (bls) =>
    verifyCertificate(bls, keys, certificate),
  );
  compare(`make a certificate of ${quorum} of ${size}`, undefined, (bls) =>
    makeCertificate(bls, keys, checkpoint, 0, precommits),
  );
  if (size > 21) continue;
  compare("sign a vote", undefined, (bls) => bls.sign(secret, bytes));
  compare("verify a vote", undefined, (bls) =>
    bls.verify(keys.publicKeys[0] as Uint8Array, bytes, precommits[0]?.signature as Uint8Array),
  );
}

/** Both implementations in the same run; medians, in milliseconds of processor time. */
function compare(what: string, goal: number | undefined, work: (bls: BlsSignatures) => unknown): void {
  const name = `${what}, ${implementation}, p50`;
  const value = median(101, () => work(native));
  const peerValue = median(5, () => work(blsSignatures));
  if (json) {
    const figure = { suite: SUITE, name, value, unit: "ms", goal: goal ?? null, better: "lower" };
    console.log(JSON.stringify({ ...figure, peer: "noble", peerValue, note: "processor time" }));
    return;
  }
  const goalText = goal === undefined ? "" : `   goal ${goal} ms`;
  console.log(
    `${name.padEnd(52)} ${value.toFixed(2).padStart(8)} ms   noble ${peerValue.toFixed(1).padStart(7)} ms${goalText}`,
  );
}

function median(runs: number, work: () => unknown): number {
  work();
  const times = Array.from({ length: runs }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  }).sort((a, b) => a - b);
  return Math.round((times[runs >> 1] as number) * 100) / 100;
}
