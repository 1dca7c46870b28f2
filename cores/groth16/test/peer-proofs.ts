import type { R1cs, Witness } from "@aios/core-zkml/r1cs";
import * as snarkjs from "snarkjs";
import type { G1Point, G2Point, Proof } from "../src/points.js";
import { peerKey } from "./peer-key.js";
import { witnessFile } from "./peer-witness.js";

export interface PeerProof {
  readonly proof: Proof;
  readonly tookMs: number;
}

/**
 * snarkjs' proofs of the same statement under the same development key, on all cores. `points`: those of the proving key;
 * `seed`: what it was made from. Stops after `forMs`, but not before there is one.
 */
export async function peerProofs(
  r1cs: R1cs,
  key: { readonly points: Uint8Array; readonly seed: Uint8Array },
  witness: Witness,
  { runs, forMs }: { readonly runs: number; readonly forMs: number },
): Promise<PeerProof[]> {
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  try {
    const [file, values] = [await peerKey(r1cs, key.points, key.seed), witnessFile(witness)];
    const proofs: PeerProof[] = [];
    const began = performance.now();
    while (proofs.length < runs && (proofs.length === 0 || performance.now() - began < forMs)) {
      const startedAt = performance.now();
      const { proof } = await snarkjs.groth16.prove(file, values);
      proofs.push({ proof: proofFromPeer(proof), tookMs: performance.now() - startedAt });
    }
    return proofs;
  } finally {
    await curve.terminate();
  }
}

/** A proof of snarkjs in our form. */
export function proofFromPeer(proof: Readonly<Record<string, unknown>>): Proof {
  return {
    a: g1FromPeer(proof["pi_a"]),
    b: g2FromPeer(proof["pi_b"]),
    c: g1FromPeer(proof["pi_c"]),
  };
}

export function g1FromPeer(value: unknown): G1Point {
  const [x, y] = value as [string, string];
  return { x: BigInt(x), y: BigInt(y) };
}

export function g2FromPeer(value: unknown): G2Point {
  const part = ([real, imaginary]: [string, string]) => ({
    real: BigInt(real),
    imaginary: BigInt(imaginary),
  });
  const [x, y] = value as [[string, string], [string, string]];
  return { x: part(x), y: part(y) };
}
