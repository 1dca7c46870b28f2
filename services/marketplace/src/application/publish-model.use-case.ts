import type { Clock } from "@aios/kernel/clock";
import type { Address } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import { encodePublication } from "../domain/call-data.js";
import { badSignature, notOwner, preparationExpired, wrongState } from "../domain/errors.js";
import type { Failure, Model } from "../domain/model.js";
import type { ChainWriter, ModelStore } from "../domain/ports.js";
import { isSignedBy, modelPublication, type NamedTypedData } from "../domain/typed-data.js";
import { gasRefusal } from "./gas-refusal.js";
import { type NamedSignature, requireSignature } from "./signatures.js";

/** How long an owner may take to sign. */
export const SIGNING_SECONDS = 3_600n;
/** A preparation with less time left than this is renewed. */
export const RENEW_BELOW_SECONDS = 600n;

/** From a ready model to a published one: prepare → the owner signs → relay. */
export class PublishModelUseCase {
  constructor(
    private readonly models: ModelStore,
    private readonly chain: ChainWriter,
    private readonly clock: Clock,
    private readonly rng: Rng,
  ) {}

  async prepare(owner: Address, draftId: string): Promise<NamedTypedData> {
    const model = await this.#own(owner, draftId);
    if (model.state !== "ready") throw wrongState("model", model.state, "ready");
    const nowSeconds = BigInt(Math.floor(this.clock.now() / 1_000));
    const prepared = await this.models.preparePublication(
      draftId,
      randomNonce(this.rng),
      nowSeconds + SIGNING_SECONDS,
      nowSeconds + RENEW_BELOW_SECONDS,
      this.clock.now(),
    );
    return this.#typedData(prepared);
  }

  /** Keeps the signature, then relays. Again with the same signature: the same publication. */
  async publish(owner: Address, draftId: string, signatures: readonly NamedSignature[]): Promise<Model> {
    const model = await this.#own(owner, draftId);
    if (model.state === "published" || model.state === "publishing") return model;
    if (model.state !== "ready") throw wrongState("model", model.state, "ready");
    if (model.publication === undefined) throw preparationExpired();
    if (model.publication.deadlineSeconds * 1_000n < BigInt(this.clock.now())) throw preparationExpired();
    const signature = requireSignature(signatures, "model-publication");
    if (!isSignedBy(owner, await this.#typedData(model), signature))
      throw badSignature("model-publication", owner);
    crashPoint("marketplace.publish.before-store");
    const submitted = await this.models.submitPublication(draftId, signature, this.clock.now());
    crashPoint("marketplace.publish.after-store");
    await this.relay(submitted);
    return submitted;
  }

  /**
   * Hands a signed publication to the chain-write outbox; the key makes repetition harmless. Throws
   * `gas-allowance-spent`: the publication has failed then, and the owner may prepare and sign anew.
   */
  async relay(model: Model): Promise<void> {
    const { publication, verifyingKey } = model;
    if (model.state !== "publishing" || publication?.signature === undefined || verifyingKey === undefined)
      return;
    const data = encodePublication(await this.#typedData(model), publication.signature);
    try {
      await this.chain.publishModel(publicationKey(model.draftId, publication.nonce), data);
    } catch (error) {
      const refusal = gasRefusal(error);
      if (refusal !== undefined) await this.failed(model.draftId, publication.nonce, refusal);
      throw error;
    }
    crashPoint("marketplace.publish.after-relay");
  }

  failed(draftId: string, nonce: bigint, failure: Failure): Promise<void> {
    return this.models.publicationFailed(draftId, nonce, failure, this.clock.now());
  }

  async #own(owner: Address, draftId: string): Promise<Model> {
    const model = await this.models.byDraft(draftId);
    if (model.owner !== owner) throw notOwner("model");
    return model;
  }

  async #typedData(model: Model): Promise<NamedTypedData> {
    if (model.verifyingKey === undefined || model.publication === undefined) {
      throw wrongState("model", model.state, "ready");
    }
    return modelPublication(await this.chain.signingContext(), model, model.verifyingKey, model.publication);
  }
}

export function publicationKey(draftId: string, nonce: bigint): string {
  return `publish:${draftId}:${nonce.toString(16)}`;
}

/** What `publicationKey` put together; `undefined` for other keys. */
export function parsePublicationKey(
  key: string,
): { readonly draftId: string; readonly nonce: bigint } | undefined {
  const match = /^publish:([0-9a-f-]{36}):([0-9a-f]{1,64})$/.exec(key);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { draftId: match[1], nonce: BigInt(`0x${match[2]}`) };
}

/** 128 random bits; contracts refuse a digest that was used before, so a nonce only has to be new. */
export function randomNonce(rng: Rng): bigint {
  return BigInt(`0x${Buffer.from(rng.bytes(16)).toString("hex")}`);
}
