import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { jobIdOfOrder, type Order, orderTypedData, permitTypedData } from "./order-digest.js";
import { NO_PERMIT, tokenDomain, tokenPermit } from "./permit.js";
import { signerOf, textSignerOf, typedDataDigest, typedDataPayload } from "./signed-data.js";
import { ORDER_TYPES, signingDomain } from "./typed-data.js";

const ESCROW = "0x00000000000000000000000000000000000000e5";
const domain = signingDomain(26_070n, ESCROW);
const wallet = new Wallet(`0x${"01".repeat(32)}`);

const order: Order = {
  buyer: wallet.address,
  jobKind: 2,
  modelId: 1n,
  licenceId: 2n,
  requestHash: `0x${"03".repeat(32)}`,
  inputCommitment: `0x${"04".repeat(32)}`,
  verifier: `0x${"05".repeat(20)}`,
  matcher: `0x${"06".repeat(20)}`,
  maxPriceWei: 10n ** 18n,
  leaseBy: 1_800_000_000n,
  deliverWithinSeconds: 120n,
  settleWithinSeconds: 300n,
  nonce: 7n,
};

describe("jobIdOfOrder", () => {
  it("does not change from release to release", () => {
    expect(jobIdOfOrder(domain, order)).toBe(
      "0x2b546017db30ae2a7b5ad63990163992cdf08734ffbf3b75a2598b2b97673ba2",
    );
  });

  it("depends on every field, the chain and the contract", () => {
    const ids = new Set([jobIdOfOrder(domain, order)]);
    const changed: Order[] = [
      { ...order, buyer: ESCROW },
      { ...order, jobKind: 1 },
      { ...order, modelId: 9n },
      { ...order, licenceId: 9n },
      { ...order, requestHash: `0x${"09".repeat(32)}` },
      { ...order, inputCommitment: `0x${"09".repeat(32)}` },
      { ...order, verifier: ESCROW },
      { ...order, matcher: ESCROW },
      { ...order, maxPriceWei: 9n },
      { ...order, leaseBy: 9n },
      { ...order, deliverWithinSeconds: 9n },
      { ...order, settleWithinSeconds: 9n },
      { ...order, nonce: 9n },
    ];
    for (const other of changed) ids.add(jobIdOfOrder(domain, other));
    ids.add(jobIdOfOrder(signingDomain(1n, ESCROW), order));
    ids.add(jobIdOfOrder(signingDomain(26_070n, wallet.address), order));
    expect(ids.size).toBe(changed.length + 3);
  });
});

describe("orderTypedData", () => {
  it("is JSON, and what a wallet signs from it has the job's id as digest", async () => {
    const payload = typedDataPayload(orderTypedData(domain, order));
    const copy = JSON.parse(JSON.stringify(payload)) as typeof payload;
    expect(copy).toEqual(payload);
    expect(payload).toMatchObject({ primaryType: "Order", message: { maxPriceWei: "1000000000000000000" } });
    const fields = { Order: [...(copy.types["Order"] ?? [])] };
    const fromJson = await wallet.signTypedData(copy.domain, fields, copy.message);
    expect(fromJson).toBe(await wallet.signTypedData(domain, ORDER_TYPES, order));
    expect(jobIdOfOrder(domain, order)).toBe(
      typedDataDigest({ domain, types: ORDER_TYPES, message: { ...order } }),
    );
  });

  it("refuses a value outside its type", () => {
    expect(() => jobIdOfOrder(domain, { ...order, leaseBy: 1n << 64n })).toThrow();
    expect(() => jobIdOfOrder(domain, { ...order, buyer: "0x12" })).toThrow();
  });
});

describe("permits", () => {
  it("are signed under the token's own domain", () => {
    const token = tokenDomain(26_070n, ESCROW);
    const permit = { owner: wallet.address, spender: ESCROW, value: 5n, nonce: 0n, deadline: 9n };
    const data = permitTypedData(token, permit);
    expect(data.domain).toMatchObject({ name: "Wrapped AIOS", version: "1" });
    expect(typedDataDigest(data)).not.toBe(typedDataDigest({ ...data, domain }));
    expect(tokenPermit(permit, "0xab")).toEqual({ valueWei: 5n, deadline: 9n, signature: "0xab" });
    expect(NO_PERMIT.signature).toBe("0x");
  });
});

describe("signerOf", () => {
  const data = orderTypedData(domain, order);

  it("names the account whose key signed exactly this, whether integers are bigints or decimal strings", async () => {
    const signature = await wallet.signTypedData(domain, ORDER_TYPES, order);
    const written = { ...order, modelId: order.modelId.toString(), nonce: order.nonce.toString() };
    expect(signerOf(data, signature)).toBe(wallet.address.toLowerCase());
    expect(signerOf(orderTypedData(domain, written), signature)).toBe(wallet.address.toLowerCase());
    const other = orderTypedData(domain, { ...order, nonce: order.nonce + 1n });
    expect(signerOf(other, signature)).not.toBe(wallet.address.toLowerCase());
  });

  it("names nobody for what is no signature, or for data that cannot be encoded", async () => {
    const signature = await wallet.signTypedData(domain, ORDER_TYPES, order);
    expect(signerOf(data, "0x12")).toBeUndefined();
    expect(signerOf(data, `0x${"00".repeat(65)}`)).toBeUndefined();
    expect(signerOf({ ...data, message: {} }, signature)).toBeUndefined();
    expect(textSignerOf("hello", "0x")).toBeUndefined();
    expect(textSignerOf("hello", await wallet.signMessage("hello"))).toBe(wallet.address.toLowerCase());
  });
});
