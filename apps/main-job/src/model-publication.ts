import type { Json } from "@aios/kernel/canonical-json";
import { CodedError } from "@aios/kernel/coded-error";
import type { Model } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import type { EncryptedContent } from "@aios/sdk/content-api";
import { toHex } from "@aios/sdk/hex";
import type { KeyCeremony, ModelDraft } from "@aios/sdk/model-api";
import type { WaitOptions } from "@aios/sdk/until";
import { LICENCE_PRICE_WEI, ROYALTY_BPS, USAGE_FEE_WEI } from "./plan.js";

/** A provable model and what buyers are told of it; what it costs is the plan's unless it says otherwise. */
export interface ModelOffer {
  readonly name: string;
  readonly description: string;
  /** The integer model or graph, as it is stored. */
  readonly encoded: Uint8Array;
  readonly commitment: Uint8Array;
  readonly report: Json;
  readonly licencePriceWei?: bigint;
  readonly ceremony?: KeyCeremony;
  /** Keys to make besides the Groth16 one; without one that is named the model is not published. */
  readonly proofSystems?: ModelDraft["proofSystems"];
}

export interface PublicationOptions extends Pick<WaitOptions<Model>, "onChange"> {
  /** How each call is made, all of which may be made again; once, where nothing is said. */
  readonly attempt?: <T>(call: () => Promise<T>) => Promise<T>;
}

export interface Publication {
  readonly stored: EncryptedContent;
  readonly model: Model;
}

const KEYS_TIMEOUT_MS = 300_000;

/**
 * Stores the model encrypted, gives its key to the prover and to jobs of licence holders, waits until its proving key is
 * set up, and publishes it as a licence NFT, through the gateway only. Throws `honk-key-refused` before anything is signed
 * where an UltraHonk key was named and could not be made: a publication cannot be changed. Interrupted anywhere, the same
 * offer by the same account goes on where it was: content, key and draft are the same again, and it is published once.
 */
export async function publishOffer(
  developer: AiosClient,
  offer: ModelOffer,
  { attempt = (call) => call(), onChange }: PublicationOptions = {},
): Promise<Publication> {
  const { content, models } = developer;
  const stored = await attempt(() => content.putUnguessable(offer.encoded, "model"));
  const deposit = {
    cid: stored.cid,
    contentKey: stored.contentKey,
    leaseScopes: ["licensed-jobs"],
    servicePurposes: ["proving-key-setup", "proof"],
  };
  const depositKey = crypto.randomUUID();
  await attempt(() => content.depositKey(deposit, depositKey));
  const draft = draftOf(offer, stored.cid);
  const creationKey = crypto.randomUUID();
  const { draftId } = await attempt(() => models.create(draft, creationKey));
  const wait = { timeoutMs: KEYS_TIMEOUT_MS, ...(onChange === undefined ? {} : { onChange }) };
  assertKeys(offer, await attempt(() => models.waitReady(draftId, wait)));
  return { stored, model: await attempt(() => models.publish(draftId, draft)) };
}

function assertKeys({ proofSystems = [] }: ModelOffer, { honkKeyHash, honkRefusal }: Model): void {
  if (!proofSystems.includes("honk") || honkKeyHash !== null) return;
  throw new CodedError({
    code: "honk-key-refused",
    kind: "unprocessable",
    message: `The model is not published, for it has no UltraHonk key: ${honkRefusal?.message ?? "none was made"} To publish it without one, name groth16 alone.`,
    details: { code: honkRefusal?.code ?? "" },
  });
}

function draftOf(offer: ModelOffer, contentCid: string): ModelDraft {
  return {
    name: offer.name,
    description: offer.description,
    contentCid,
    modelCommitment: toHex(offer.commitment),
    licencePriceWei: offer.licencePriceWei ?? LICENCE_PRICE_WEI,
    usageFeeWei: USAGE_FEE_WEI,
    royaltyBps: ROYALTY_BPS,
    report: offer.report,
    ...(offer.ceremony === undefined ? {} : { ceremony: offer.ceremony }),
    ...(offer.proofSystems === undefined ? {} : { proofSystems: offer.proofSystems }),
  };
}
