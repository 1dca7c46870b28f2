import { abi as licenceAbi } from "@aios/contracts/abi/model-licence";
import { decodeTranscript } from "@aios/core-groth16/ceremony-codec";
import { transcriptHash } from "@aios/core-groth16/ceremony-transcript";
import { ceremonyTrust, isKeyOfTranscript, KEY_POINTS_UNCHECKED } from "@aios/core-groth16/ceremony-trust";
import { decodeEvidence } from "@aios/core-groth16/evidence";
import { DEVELOPMENT_TRUST, decodeVerifyingKey } from "@aios/core-groth16/verifying-key";
import { isCodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import type { Protocol } from "../api-types.js";
import type { AiosClient } from "../client.js";
import { fromHex, toHex } from "../hex.js";
import { contractAddress } from "../typed-data-review.js";
import type { VerificationCheck } from "./verification-report.js";

const licence = new Interface(licenceAbi);
const NO_CEREMONY = /^0x0{64}$/;

/** Where a proof's key comes from, and what that leaves to trust. */
export interface KeyOrigin {
  readonly check: VerificationCheck;
  /** In words; "forgeable by …". */
  readonly trust: string;
  /** What of the key's origin was not checked here, in sentences. */
  readonly unchecked: readonly string[];
}

/**
 * Looks at the origin of the key that a job was settled under: the transcript whose hash the chain has beside the key is
 * fetched, every contribution checked, and its last step compared with the key. Trust is said from that transcript, not
 * from the platform's word. That the key's other points follow from circuit and powers of tau is the prover's check
 * before publication, and `aios ceremony verify`'s for who has model and key: unchecked here, so `ok` is never true.
 */
export async function keyOrigin(
  client: AiosClient,
  protocol: Protocol,
  modelId: bigint,
  evidence: string,
): Promise<KeyOrigin> {
  const data = licence.encodeFunctionData("ceremonyTranscriptHash", [modelId]);
  const answer = await client.rpc.ethCall(contractAddress(protocol, "ModelLicence"), data);
  const onChain = String(licence.decodeFunctionResult("ceremonyTranscriptHash", answer)[0]);
  const model = await client.models.get(Number(modelId));
  if (NO_CEREMONY.test(onChain)) {
    const trust = model.keyTrust ?? DEVELOPMENT_TRUST;
    const how = "The model was published under a key that one party made alone: no ceremony is on chain.";
    return { check: { name: "key-origin", ok: undefined, how, evidence: { trust } }, trust, unchecked: [] };
  }
  const cid = model.ceremonyTranscriptCid ?? "";
  const named = { transcriptHash: onChain, transcriptCid: cid };
  try {
    const transcript = decodeTranscript(new TextDecoder().decode(await client.content.get(cid)));
    const hash = toHex(transcriptHash(transcript));
    const key = decodeVerifyingKey(decodeEvidence(fromHex(evidence)).verifyingKey);
    const trust = ceremonyTrust(transcript);
    if (hash !== onChain || !isKeyOfTranscript(transcript, key)) {
      const how = "The ceremony's transcript is not the one on chain, or does not end in this key.";
      const check = { name: "key-origin", ok: false, how, evidence: { ...named, trust } };
      return { check, trust: FORGEABLE_BY_ANYBODY, unchecked: [] };
    }
    const how =
      "The ceremony's transcript has the hash that is on chain beside the key, every contribution in it was checked here, and the last one ends in this key. That the key's other points follow from circuit and powers of tau was not checked here.";
    const check = { name: "key-origin", ok: undefined, how, evidence: { ...named, trust } };
    return { check, trust, unchecked: [KEY_POINTS_UNCHECKED] };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    const isAbsent = error.kind === "not-found" || error.kind === "unavailable";
    const how = isAbsent
      ? `The transcript of the key's ceremony could not be read, so its contributors are unknown. ${error.message}`
      : error.message;
    return {
      check: { name: "key-origin", ok: isAbsent ? undefined : false, how, evidence: named },
      trust: isAbsent
        ? `a ceremony of which only the transcript's hash ${onChain} is known`
        : FORGEABLE_BY_ANYBODY,
      unchecked: isAbsent ? [KEY_POINTS_UNCHECKED] : [],
    };
  }
}

const FORGEABLE_BY_ANYBODY = "forgeable by whoever made it, since it does not follow from its ceremony";
