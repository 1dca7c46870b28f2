import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import {
  jobIdOfOrder,
  type Order,
  orderTypedData,
  permitTypedData,
  typedDataDigest,
} from "./order-digest.js";
import { NO_PERMIT, tokenDomain, tokenPermit } from "./permit.js";
import { ORDER_TYPES, PERMIT_TYPES, signingDomain } from "./typed-data.js";

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
    const payload = orderTypedData(domain, order);
    const copy = JSON.parse(JSON.stringify(payload)) as typeof payload;
    expect(copy).toEqual(payload);
    expect(payload).toMatchObject({ primaryType: "Order", message: { maxPriceWei: "1000000000000000000" } });
    const fields = { Order: [...(copy.types["Order"] ?? [])] };
    const fromJson = await wallet.signTypedData(copy.domain, fields, copy.message);
    expect(fromJson).toBe(await wallet.signTypedData(domain, ORDER_TYPES, order));
    expect(jobIdOfOrder(domain, order)).toBe(typedDataDigest(domain, ORDER_TYPES, order));
  });

  it("refuses a value outside its type", () => {
    expect(() => orderTypedData(domain, { ...order, leaseBy: 1n << 64n })).toThrow();
    expect(() => orderTypedData(domain, { ...order, buyer: "0x12" })).toThrow();
  });
});

describe("permits", () => {
  it("are signed under the token's own domain", () => {
    const token = tokenDomain(26_070n, ESCROW);
    const permit = { owner: wallet.address, spender: ESCROW, value: 5n, nonce: 0n, deadline: 9n };
    expect(permitTypedData(token, permit).domain).toMatchObject({ name: "Wrapped AIOS", version: "1" });
    expect(typedDataDigest(token, PERMIT_TYPES, permit)).not.toBe(
      typedDataDigest(domain, PERMIT_TYPES, permit),
    );
    expect(tokenPermit(permit, "0xab")).toEqual({ valueWei: 5n, deadline: 9n, signature: "0xab" });
    expect(NO_PERMIT.signature).toBe("0x");
  });
});
