import { abi as resultVerifierAbi } from "@aios/contracts/abi/honk-result-verifier";
import { abi as verifierAbi } from "@aios/contracts/abi/honk-verifier";
import { HonkVerification, type TauG2 } from "@aios/contracts/honk-verification";
import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import { DEVELOPMENT_STRING_TRUST } from "@aios/core-ultra-honk/reference-string";
import { isCodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import { toHex32 } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import type { KeyOrigin } from "./key-origin.js";

const resultVerifier = new Interface(resultVerifierAbi);
const verifier = new Interface(verifierAbi);
const TAU_WORDS = ["tauXImaginary", "tauXReal", "tauYImaginary", "tauYReal"];

/** tau·G2 of the reference string that the chain's verifier was deployed with. */
export async function tauG2OnChain(rpc: JsonRpc, resultVerifierAddress: string): Promise<TauG2> {
  const named = await rpc.ethCall(resultVerifierAddress, resultVerifier.encodeFunctionData("honk"));
  const address = String(resultVerifier.decodeFunctionResult("honk", named)[0]);
  const words = TAU_WORDS.map(async (name) => {
    const answer = await rpc.ethCall(address, verifier.encodeFunctionData(name));
    return toHex32(BigInt(verifier.decodeFunctionResult(name, answer)[0]));
  });
  return (await Promise.all(words)) as unknown as TauG2;
}

/** Who could forge under a reference string, as far as its tau·G2 shows. */
export function referenceStringTrust(tauG2: TauG2): string {
  const isDevelopment = DEVELOPMENT_TAU_G2.every((word, at) => BigInt(word) === BigInt(tauG2[at] ?? 0));
  return isDevelopment
    ? DEVELOPMENT_STRING_TRUST
    : `forgeable by whoever knows tau of the reference string with tau·G2 ${tauG2[0].slice(0, 18)}…, that is, by those who made its powers, all together`;
}

/** Where an UltraHonk key comes from: it follows from the circuit and the reference string, which no ceremony a model makes. */
export function honkKeyOrigin(tauG2: TauG2): KeyOrigin {
  const trust = referenceStringTrust(tauG2);
  const how =
    "An UltraHonk key follows from the circuit; what could forge is the reference string of the verifier, which was read from it. Who made that string no computation shows.";
  return {
    check: { name: "key-origin", ok: undefined, how, evidence: { tauG2: tauG2.join(" "), trust } },
    trust,
    unchecked: [],
  };
}

/** The verifier's contract, run here: whether the proof holds, and how that was found. */
export function honkEquation(
  tauG2: TauG2,
  verifyingKey: Uint8Array,
  inputs: readonly bigint[],
  proof: Uint8Array,
): { readonly ok: boolean; readonly how: string } {
  const how =
    "UltraHonk over BN254, verified here by the verifier's own contract for exactly these public values.";
  try {
    return { ok: new HonkVerification(tauG2).verify(verifyingKey, inputs, proof), how };
  } catch (error) {
    return { ok: false, how: isCodedError(error) ? error.message : how };
  }
}
