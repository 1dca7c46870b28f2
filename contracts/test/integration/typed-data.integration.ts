import { permitTypedData, type Receipt, receiptDigest } from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { typedDataDigest, typedDataPayload } from "@aios/core-settlement/signed-data";
import * as typedData from "@aios/core-settlement/typed-data";
import { id, TypedDataEncoder, Wallet } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((data) => `0x${Buffer.from(data).toString("hex")}`);

function arbitraryOf(type: string): fc.Arbitrary<unknown> {
  if (type.startsWith("uint")) return uint(Number(type.slice(4)));
  if (type === "address") return hex(20);
  if (type === "bytes32") return hex(32);
  return fc.string({ maxLength: 80 });
}

const SIGNED: readonly (readonly [
  string,
  typedData.TypedDataTypes,
  (protocol: TestProtocol) => TestContract,
  string,
  string,
])[] = [
  ["Order", typedData.ORDER_TYPES, (p) => p.escrow, "ORDER_TYPEHASH", "orderDigest"],
  ["LeaseTerms", typedData.LEASE_TERMS_TYPES, (p) => p.escrow, "LEASE_TERMS_TYPEHASH", "leaseTermsDigest"],
  ["Delivery", typedData.DELIVERY_TYPES, (p) => p.escrow, "DELIVERY_TYPEHASH", "deliveryDigest"],
  ["Acceptance", typedData.ACCEPTANCE_TYPES, (p) => p.escrow, "ACCEPTANCE_TYPEHASH", "acceptanceDigest"],
  [
    "ModelPublication",
    typedData.MODEL_PUBLICATION_TYPES,
    (p) => p.models,
    "PUBLICATION_TYPEHASH",
    "publicationDigest",
  ],
  [
    "LicencePurchase",
    typedData.LICENCE_PURCHASE_TYPES,
    (p) => p.models,
    "PURCHASE_TYPEHASH",
    "purchaseDigest",
  ],
  [
    "ProviderRegistration",
    typedData.PROVIDER_REGISTRATION_TYPES,
    (p) => p.providers,
    "REGISTRATION_TYPEHASH",
    "registrationDigest",
  ],
  ["Receipt", typedData.RECEIPT_TYPES, (p) => p.receipts, "RECEIPT_TYPEHASH", "receiptDigest"],
];

describe("typed data is the same in Solidity and TypeScript", () => {
  it.each(SIGNED)(
    "%s: type hash, and digest of any message",
    async (name, types, contractOf, hashName, digestName) => {
      const contract = contractOf(protocol);
      const domain = protocol.domain(contract);
      expect(await contract.read(hashName)).toBe(id(TypedDataEncoder.from(types).encodeType(name)));
      expect(await contract.read("domainSeparator")).toBe(TypedDataEncoder.hashDomain(domain));
      const fields = types[name] ?? [];
      const message = fc.record(
        Object.fromEntries(fields.map((field) => [field.name, arbitraryOf(field.type)])),
      );
      await fc.assert(
        fc.asyncProperty(message, async (value) => {
          expect(await contract.read(digestName, [value])).toBe(
            typedDataDigest({ domain, types, message: value }),
          );
        }),
        { numRuns: 25 },
      );
    },
  );

  it("Permit: the token's own domain", async () => {
    const domain = tokenDomain(chain.chainId, protocol.token.address);
    expect(await protocol.token.read("DOMAIN_SEPARATOR")).toBe(TypedDataEncoder.hashDomain(domain));
    const owner = Wallet.createRandom();
    const payload = typedDataPayload(
      permitTypedData(domain, {
        owner: owner.address,
        spender: owner.address,
        value: 1n,
        nonce: 0n,
        deadline: 1n,
      }),
    );
    expect(payload.primaryType).toBe("Permit");
    expect(payload.message["value"]).toBe("1");
  });

  it("a receipt's digest identifies it", async () => {
    const receipt = Object.fromEntries(
      (typedData.RECEIPT_TYPES["Receipt"] ?? []).map(({ name, type }) => [name, sample(type)]),
    );
    const digest = receiptDigest(protocol.domain(protocol.receipts), receipt as unknown as Receipt);
    expect(await protocol.receipts.read("receiptDigest", [receipt])).toBe(digest);
  });
});

function sample(type: string): unknown {
  if (type === "uint8") return 5;
  if (type.startsWith("uint")) return 5n;
  return type === "address" ? `0x${"11".repeat(20)}` : `0x${"22".repeat(32)}`;
}
