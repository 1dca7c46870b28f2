import { contentIdOf } from "@aios/core-content-id/content-id";
import type { EconomyBesideOthers } from "@aios/economy/test/support/economy-beside-others";
import { ACCOUNTS } from "@aios/economy/test/support/test-chain";
import { address, tenantOfAccount } from "@aios/kernel/identifiers";
import { MarketplaceServiceService, ModelState } from "@aios/proto/aios/marketplace/v1/marketplace";
import { ContentServiceService, type PutContentRequest } from "@aios/proto/aios/storage/v1/storage";
import { topics } from "@aios/proto/topics";
import { actingFor } from "@aios/service-kit/caller-context";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { eventually } from "@aios/testkit/eventually";
import type { ServiceProcess } from "@aios/testkit/service-process";
import { getBytes, type TypedDataField, type Wallet } from "ethers";

type Marketplace = GrpcClient<typeof MarketplaceServiceService>;

/** The developer's model as it lies in storage. */
const CONTENT = new TextEncoder().encode("an encrypted model");
const COMMITMENT = new Uint8Array(32).fill(0x0d);
const KEY_HASH = new Uint8Array(32).fill(0x0e);

/** Runs as the gateway does for a signed-in account. */
export function as<T>(wallet: Wallet, work: () => Promise<T>): Promise<T> {
  const account = address(wallet.address);
  return actingFor({ account, tenant: tenantOfAccount(account) }, work);
}

/** Signs as a wallet does: from the JSON alone. */
export async function signAll(
  wallet: Wallet,
  requests: readonly { readonly name: string; readonly typedDataJson: string }[],
) {
  return Promise.all(
    requests.map(async ({ name, typedDataJson }) => {
      const { domain, types, message } = JSON.parse(typedDataJson) as {
        domain: Record<string, unknown>;
        types: Record<string, TypedDataField[]>;
        message: Record<string, unknown>;
      };
      const { EIP712Domain: _, ...rest } = types;
      return { name, signature: getBytes(await wallet.signTypedData(domain, rest, message)) };
    }),
  );
}

async function* uploadOf(chunk: Uint8Array): AsyncGenerator<PutContentRequest> {
  yield { metadata: { category: "model", encrypted: true, mediaType: "application/octet-stream" } };
  yield { chunk };
}

/** Stores an owner's content. */
export async function storeAs(
  contents: GrpcClient<typeof ContentServiceService>,
  owner: Wallet,
  bytes: Uint8Array,
): Promise<void> {
  await as(owner, () => contents.putContent(uploadOf(bytes), { deadlineMs: 10_000 }));
}

export interface OpenMarket {
  readonly marketplace: ServiceProcess;
  readonly modelId: number;
  readonly licencePriceWei: string;
  readonly licenceId: number;
}

/** Storage and marketplace beside economy, with one model that the developer published and the business licensed. */
export async function openMarket(platform: EconomyBesideOthers): Promise<OpenMarket> {
  const storage = await platform.startService("storage", {
    LIBP2P_LISTEN: "/ip4/127.0.0.1/tcp/0",
    // No key is released here.
    COMPUTE_GRPC_URL: "127.0.0.1:1",
  });
  const marketplace = await platform.startService("marketplace", {
    CHAIN_RPC_URL: platform.chain.url,
    STORAGE_GRPC_URL: `127.0.0.1:${storage.ports.grpcPort}`,
    // Nobody listens there: the keys come by event.
    ZK_PROVER_GRPC_URL: "127.0.0.1:1",
    MARKETPLACE_REPEAT_INTERVAL: "200ms",
  });
  const client = await platform.clientOf(MarketplaceServiceService, "marketplace", marketplace);
  await storeAs(
    await platform.clientOf(ContentServiceService, "storage", storage),
    ACCOUNTS.developer,
    CONTENT,
  );
  const licencePriceWei = (25n * 10n ** 18n).toString();
  const modelId = await publish(platform, client, licencePriceWei);
  return { marketplace, modelId, licencePriceWei, licenceId: await licensed(client, modelId) };
}

async function publish(
  platform: EconomyBesideOthers,
  client: Marketplace,
  licencePriceWei: string,
): Promise<number> {
  const owner = ACCOUNTS.developer;
  const terms = {
    name: "digits",
    description: "handwritten digits",
    contentCid: contentIdOf(CONTENT),
    modelCommitment: COMMITMENT,
    licencePriceWei,
    royaltyBps: 0,
    usageFeeWei: (10n ** 17n).toString(),
    reportJson: "{}",
    proofSystems: [],
  };
  const draftId = (await as(owner, () => client.createModel(terms))).model?.draftId ?? "";
  const reaches = (state: ModelState) =>
    eventually(async () => {
      const { model } = await as(owner, () => client.getModel({ draftId }));
      if (model?.state !== state) throw new Error(`the model is ${ModelState[model?.state ?? 0]}`);
      return model;
    }, 30_000);
  await platform.recorder.publish(topics.proverKeyEnded, {
    modelCommitment: COMMITMENT,
    ready: true,
    verifyingKeyHash: KEY_HASH,
    verifyingKeyCid: "bafkreikey",
    trust: "of a test",
    inputShape: [1, 28, 28],
    multiplications: 101_632,
    errorCode: "",
    errorMessage: "",
    ceremonyTranscriptHash: new Uint8Array(0),
    ceremonyTranscriptCid: "",
  });
  await reaches(ModelState.MODEL_STATE_READY);
  const { toSign } = await as(owner, () => client.prepareModelPublication({ draftId }));
  const signatures = await signAll(owner, toSign);
  await as(owner, () => client.publishModel({ draftId, signatures }));
  return (await reaches(ModelState.MODEL_STATE_PUBLISHED)).modelId;
}

async function licensed(client: Marketplace, modelId: number): Promise<number> {
  const buyer = ACCOUNTS.business;
  const { purchaseId, toSign } = await as(buyer, () => client.prepareLicencePurchase({ modelId }));
  const signatures = await signAll(buyer, toSign);
  await as(buyer, () => client.purchaseLicence({ purchaseId, signatures }));
  return eventually(async () => {
    const { purchase } = await as(buyer, () => client.getPurchase({ purchaseId }));
    if (purchase?.state !== "owned") throw new Error(`the purchase is ${purchase?.state}`);
    return purchase.licenceId;
  }, 30_000);
}
