import type { Json } from "@aios/kernel/canonical-json";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type {
  Model,
  ModelCapability,
  Page,
  PreparedPurchase,
  ProofSystem,
  Protocol,
  Purchase,
  SigningRequest,
} from "./api-types.js";
import { type GatewayConnection, newIdempotencyKey } from "./gateway-connection.js";
import { signAll } from "./sign-all.js";
import {
  onlyNames,
  requestNamed,
  reviewLicencePurchase,
  reviewPermit,
  reviewPublication,
} from "./typed-data-review.js";
import { until, type WaitOptions } from "./until.js";

export interface ModelDraft {
  readonly name: string;
  readonly description: string;
  /** CID of the encrypted integer model. */
  readonly contentCid: string;
  /** keccak256 of the salted integer model encoding, hex. */
  readonly modelCommitment: string;
  readonly licencePriceWei: bigint;
  /** What one inference pays the owner. */
  readonly usageFeeWei: bigint;
  /** 500 to 1500. */
  readonly royaltyBps: number;
  /** Accuracies and ranges of the quantisation. */
  readonly report: Json;
  /** The ceremony that made the model's key; without one the prover makes a development key. */
  readonly ceremony?: KeyCeremony;
  /** Keys to make: Groth16 always, UltraHonk besides where it is named. */
  readonly proofSystems?: readonly ProofSystem[];
}

/** A finished ceremony as contents: see `ContentApi.putCeremony`. */
export interface KeyCeremony {
  readonly transcriptCid: string;
  readonly provingKeyCid: string;
  readonly powersCid: string;
}

/** On chain: no ceremony, no UltraHonk key. */
const ZERO_WORD = `0x${"00".repeat(32)}`;
/** Another client of the same account may use a permit first; more often than this it is left to the caller. */
const MOST_REPEATED_PURCHASES = 5;

/** Models as licence NFTs: draft, keys, publication, purchase. */
export class ModelApi {
  readonly #connection: GatewayConnection;
  readonly #protocol: () => Promise<Protocol>;

  constructor(connection: GatewayConnection, protocol: () => Promise<Protocol>) {
    this.#connection = connection;
    this.#protocol = protocol;
  }

  /** Registers a draft; its proving key is set up in the background (`waitReady`). */
  create(draft: ModelDraft, idempotencyKey = newIdempotencyKey()): Promise<Model> {
    return this.#connection.signed<Model>({
      method: "POST",
      path: "/v1/models",
      idempotencyKey,
      json: {
        ...draft,
        licencePriceWei: draft.licencePriceWei.toString(),
        usageFeeWei: draft.usageFeeWei.toString(),
      },
    });
  }

  /** By on-chain id (a number, public) or draft id (a UUID, its owner's alone). */
  get(id: number | string): Promise<Model> {
    const call = { method: "GET", path: `/v1/models/${encodeURIComponent(String(id))}` } as const;
    return typeof id === "number" ? this.#connection.open<Model>(call) : this.#connection.signed<Model>(call);
  }

  /** Published models, newest first. */
  list(cursor?: string): Promise<Page<Model>> {
    const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    return this.#connection.open<Page<Model>>({ method: "GET", path: `/v1/models${query}` });
  }

  /** What was proven on chain of what a published model can do, newest claim first; at most 20. */
  async capabilities(modelId: number): Promise<readonly ModelCapability[]> {
    const path = `/v1/models/${modelId}/capabilities`;
    return (await this.#connection.open<{ items: ModelCapability[] }>({ method: "GET", path })).items;
  }

  /** Waits until the keys of a draft are ready. Throws the model's own error where the set-up failed. */
  waitReady(draftId: string, options?: WaitOptions<Model>): Promise<Model> {
    return this.#waitFor(draftId, ["ready", "publishing", "published"], options);
  }

  /**
   * Publishes a ready draft: compares the proposed publication with the draft's terms, signs it, hands it in and
   * waits until it is on chain. One that was handed in before is only waited for. Throws `typed-data-mismatch` before
   * signing anything else than those terms.
   */
  async publish(draftId: string, draft: ModelDraft, options?: WaitOptions<Model>): Promise<Model> {
    const [model, protocol] = await Promise.all([this.get(draftId), this.#protocol()]);
    if (model.state === "publishing" || model.state === "published")
      return this.#waitFor(draftId, ["published"], options);
    const path = `/v1/models/${encodeURIComponent(draftId)}/publication`;
    const { toSign } = await this.#connection.signed<{ toSign: SigningRequest[] }>({
      method: "POST",
      path,
      json: {},
      idempotencyKey: newIdempotencyKey(),
    });
    onlyNames(toSign, ["model-publication"]);
    const expected = {
      owner: this.#connection.signer.address,
      modelCommitment: draft.modelCommitment,
      contentCid: draft.contentCid,
      licencePriceWei: draft.licencePriceWei,
      usageFeeWei: draft.usageFeeWei,
      royaltyBps: draft.royaltyBps,
      verifyingKeyHash: model.verifyingKeyHash ?? "",
      honkKeyHash: model.honkKeyHash ?? ZERO_WORD,
      ceremonyTranscriptHash: model.ceremonyTranscriptHash ?? ZERO_WORD,
    };
    reviewPublication(requestNamed(toSign, "model-publication"), protocol, expected, this.#connection.now());
    const signatures = await signAll(this.#connection.signer, toSign);
    await this.#connection.signed<Model>({
      method: "PUT",
      path,
      json: { signatures },
      idempotencyKey: newIdempotencyKey(),
    });
    return this.#waitFor(draftId, ["published"], options);
  }

  /**
   * Buys a licence for at most `maxPriceWei` and waits until it is owned. Signs a purchase and a permit for
   * exactly the price, and nothing else. A purchase whose permit another one overtook on chain paid nothing, and is
   * made anew.
   */
  async purchaseLicence(
    modelId: number,
    maxPriceWei: bigint,
    options?: WaitOptions<Purchase>,
  ): Promise<Purchase> {
    for (let repeated = 0; ; repeated++) {
      try {
        return await this.#purchaseOnce(modelId, maxPriceWei, options);
      } catch (error) {
        if (!isPermitOvertaken(error) || repeated >= MOST_REPEATED_PURCHASES) throw error;
      }
    }
  }

  async #purchaseOnce(
    modelId: number,
    maxPriceWei: bigint,
    options: WaitOptions<Purchase> | undefined,
  ): Promise<Purchase> {
    const protocol = await this.#protocol();
    const prepared = await this.#connection.signed<PreparedPurchase>({
      method: "POST",
      path: `/v1/models/${modelId}/purchases`,
      json: {},
      idempotencyKey: newIdempotencyKey(),
    });
    const priceWei = BigInt(prepared.priceWei);
    if (priceWei > maxPriceWei) {
      throw new CodedError({
        code: "price-above-limit",
        kind: "conflict",
        message: "The licence costs more than the limit that was given; nothing was signed.",
        details: { priceWei: prepared.priceWei, maxPriceWei: maxPriceWei.toString() },
      });
    }
    const buyer = this.#connection.signer.address;
    const now = this.#connection.now();
    onlyNames(prepared.toSign, ["licence-purchase", "permit"]);
    reviewLicencePurchase(
      requestNamed(prepared.toSign, "licence-purchase"),
      protocol,
      { buyer, modelId, maxPriceWei: priceWei },
      now,
    );
    if (prepared.toSign.some((request) => request.name === "permit")) {
      reviewPermit(
        requestNamed(prepared.toSign, "permit"),
        protocol,
        { owner: buyer, spender: "ModelLicence", valueWei: priceWei },
        now,
      );
    }
    const signatures = await signAll(this.#connection.signer, prepared.toSign);
    const path = `/v1/purchases/${encodeURIComponent(prepared.purchaseId)}`;
    await this.#connection.signed<Purchase>({
      method: "PUT",
      path,
      json: { signatures },
      idempotencyKey: newIdempotencyKey(),
    });
    return until(
      () => this.#connection.signed<Purchase>({ method: "GET", path }),
      (purchase) => {
        if (purchase.state === "failed") throw resourceError("purchase-failed", purchase.error);
        return purchase.state === "owned";
      },
      options,
    );
  }

  #waitFor(draftId: string, states: readonly Model["state"][], options?: WaitOptions<Model>): Promise<Model> {
    return until(
      () => this.get(draftId),
      (model) => {
        if (model.state === "failed") throw resourceError("model-failed", model.error);
        return states.includes(model.state);
      },
      options,
    );
  }
}

/** The licence contract found no allowance for the price: the permit's nonce had been used. */
function isPermitOvertaken(error: unknown): boolean {
  const info = isCodedError(error) ? (error.details["info"] as { error?: unknown } | null | undefined) : null;
  return info?.error === "InsufficientAllowance";
}

/** The error that a resource carries, thrown. */
export function resourceError(
  fallbackCode: string,
  error: { readonly code: string; readonly message: string; readonly details: Json } | null,
): CodedError {
  return new CodedError({
    code: error?.code ?? fallbackCode,
    kind: "conflict",
    message: error?.message ?? "The platform gave no reason.",
    details: { info: error?.details ?? null },
  });
}
