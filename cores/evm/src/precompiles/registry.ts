import { FORK, type Hardfork } from "../hardfork.js";
import { blake2f } from "./blake2f.js";
import { g1Add, g1Msm, g2Add, g2Msm, mapToG1, mapToG2, pairingCheck } from "./bls12-381.js";
import { bn254Add, bn254Multiply, bn254Pairing } from "./bn254.js";
import { ecrecover, type RecoverAddress, recoverAddress } from "./ecrecover.js";
import { identity, ripemd160, sha256 } from "./hashes.js";
import { pointEvaluation } from "./kzg.js";
import { modexp } from "./modexp.js";
import { p256Verify } from "./p256.js";
import type { Precompile } from "./precompile.js";

/** Replacements with the same results: a native recovery, or any precompile by address. */
export interface PrecompileOverrides {
  readonly recoverAddress?: RecoverAddress;
  readonly byAddress?: ReadonlyMap<number, Precompile>;
}

/** The precompiles of a fork, by address. */
export function precompilesOf(
  hardfork: Hardfork,
  { recoverAddress: recover = recoverAddress, byAddress }: PrecompileOverrides,
): ReadonlyMap<number, Precompile> {
  const fork = FORK[hardfork];
  const all: [number, Precompile, since: number][] = [
    [0x01, ecrecover(recover), FORK.berlin],
    [0x02, sha256, FORK.berlin],
    [0x03, ripemd160, FORK.berlin],
    [0x04, identity, FORK.berlin],
    [0x05, modexp(fork), FORK.berlin],
    [0x06, bn254Add, FORK.berlin],
    [0x07, bn254Multiply, FORK.berlin],
    [0x08, bn254Pairing, FORK.berlin],
    [0x09, blake2f, FORK.berlin],
    [0x0a, pointEvaluation, FORK.cancun],
    [0x0b, g1Add, FORK.prague],
    [0x0c, g1Msm, FORK.prague],
    [0x0d, g2Add, FORK.prague],
    [0x0e, g2Msm, FORK.prague],
    [0x0f, pairingCheck, FORK.prague],
    [0x10, mapToG1, FORK.prague],
    [0x11, mapToG2, FORK.prague],
    [0x100, p256Verify, FORK.osaka],
  ];
  const active = all.filter(([, , since]) => fork >= since);
  return new Map(active.map(([address, precompile]) => [address, byAddress?.get(address) ?? precompile]));
}
