import { licencePurchaseTypedData, permitTypedData } from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { typedDataPayload } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { expect, it } from "vitest";
import type { Protocol } from "./api-types.js";
import { AiosClient } from "./client.js";
import { privateKeySigner } from "./wallet.js";

const address = (digit: string): string => `0x${digit.repeat(40)}`;
const protocol: Protocol = {
  chainId: 8018,
  jsonRpcUrl: "",
  contracts: { ModelLicence: address("e"), WrappedAios: address("a") },
  accounts: {},
  protocolFeeBps: 500,
  challengeWindowSeconds: 60,
};
const nowMs = 1_800_000_000_000;
const signer = privateKeySigner(`0x${"a1".repeat(32)}`);

/** A gateway on whose chain the first purchases find their permit used. */
function gateway(overtaken: number) {
  const prepared: bigint[] = [];
  const prepare = (): Response => {
    const nonce = BigInt(prepared.length);
    prepared.push(nonce);
    const deadline = BigInt(nowMs / 1_000 + 60);
    const terms = { buyer: signer.address, modelId: 1n, maxPriceWei: 25n, nonce, deadline };
    const permit = { owner: signer.address, spender: address("e"), value: 25n, nonce, deadline };
    const purchase = licencePurchaseTypedData(signingDomain(8018n, address("e")), terms);
    return Response.json({
      purchaseId: `purchase-${nonce}`,
      priceWei: "25",
      toSign: [
        { name: "licence-purchase", typedData: typedDataPayload(purchase) },
        {
          name: "permit",
          typedData: typedDataPayload(permitTypedData(tokenDomain(8018n, address("a")), permit)),
        },
      ],
    });
  };
  const state = (): Response =>
    prepared.length > overtaken
      ? Response.json({ state: "owned", licenceId: 7 })
      : Response.json({
          state: "failed",
          error: { code: "reverted", message: "", details: { error: "InsufficientAllowance", args: [] } },
        });
  const answer = async (url: string): Promise<Response> => {
    const path = new URL(url).pathname;
    if (path === "/v1/protocol") return Response.json(protocol);
    if (path === "/v1/auth/nonce")
      return Response.json({ nonce: "0123456789abcdef", expiresAtMs: nowMs + 1000, chainId: 8018 });
    if (path === "/v1/auth/siwe")
      return Response.json({ accessToken: "t", expiresAtMs: nowMs + 900_000, account: signer.address });
    return path.endsWith("/purchases") ? prepare() : state();
  };
  const clock = { now: () => nowMs as never };
  const client = new AiosClient({
    baseUrl: "http://gateway.test",
    signer,
    clock,
    retries: 0,
    fetch: answer,
  });
  return { prepared, buy: () => client.models.purchaseLicence(1, 25n) };
}

it("makes a purchase anew whose permit another one overtook on chain", async () => {
  const { prepared, buy } = gateway(2);
  expect(await buy()).toMatchObject({ state: "owned", licenceId: 7 });
  expect(prepared).toEqual([0n, 1n, 2n]);
});

it("leaves it to the caller when that happens again and again", async () => {
  const { prepared, buy } = gateway(100);
  await expect(buy()).rejects.toMatchObject({ code: "reverted" });
  expect(prepared).toHaveLength(1 + 5);
});
