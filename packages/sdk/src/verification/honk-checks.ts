import { abi as resultVerifierAbi } from "@aios/contracts/abi/honk-result-verifier";
import { abi as verifierAbi } from "@aios/contracts/abi/honk-verifier";
import { HonkVerification, type TauG2 } from "@aios/contracts/honk-verification";
import { referenceStringTrust, TAU_G2_VIEWS } from "@aios/contracts/reference-string-trust";
import { isCodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import { toHex32 } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import type { KeyOrigin } from "./key-origin.js";

const resultVerifier = new Interface(resultVerifierAbi);
const verifier = new Interface(verifierAbi);

/** tau·G2 of the reference string that the chain's verifier was deployed with. */
export async function tauG2OnChain(
  rpc: Pick<JsonRpc, "ethCall">,
  resultVerifierAddress: string,
): Promise<TauG2> {
  const named = await rpc.ethCall(resultVerifierAddress, resultVerifier.encodeFunctionData("honk"));
  const address = String(resultVerifier.decodeFunctionResult("honk", named)[0]);
  const words = TAU_G2_VIEWS.map(async (name) => {
    const answer = await rpc.ethCall(address, verifier.encodeFunctionData(name));
    return toHex32(BigInt(verifier.decodeFunctionResult(name, answer)[0]));
  });
  return (await Promise.all(words)) as unknown as TauG2;
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
