import { type Receipt, receiptDigest, receiptTypedData } from "@aios/core-settlement/order-digest";
import { RECEIPT_KINDS } from "@aios/core-settlement/typed-data";
import { AbiCoder, concat, keccak256, toBeHex, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectRevert } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

const leafOf = (digest: string) =>
  keccak256(keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32"], [digest])));
const pair = (a: string, b: string) => keccak256(concat(BigInt(a) < BigInt(b) ? [a, b] : [b, a]));

function receipt(serial: number): Receipt {
  return {
    kind: RECEIPT_KINDS.inference,
    jobId: toBeHex(serial, 32),
    provider: protocol.address("provider"),
    counterparty: protocol.address("buyer"),
    modelCommitment: toBeHex(1n, 32),
    inputCommitment: toBeHex(2n, 32),
    outputHash: toBeHex(3n, 32),
    startedAtMs: 1_000n,
    finishedAtMs: 2_000n,
    promisedMs: 5_000n,
    workUnits: 101_632n,
    storedBytes: 0n,
    priceWei: 4_000n,
  };
}

describe("ReceiptRegistry", () => {
  it("anchors batches in order, by the anchor account only", async () => {
    const anchor = (batch: bigint, root: string, count: number, party: "anchor" | "stranger" = "anchor") =>
      protocol.receipts.send(protocol.wallets[party], "anchor", [batch, root, count]);
    await expectRevert(anchor(1n, toBeHex(1n, 32), 1, "stranger"), "AccessControlUnauthorizedAccount");
    await expectRevert(anchor(2n, toBeHex(1n, 32), 1), "BatchOutOfOrder");
    await expectRevert(anchor(1n, ZeroHash, 1), "BatchEmpty");
    await expectRevert(anchor(1n, toBeHex(1n, 32), 0), "BatchEmpty");

    const receipts = [receipt(1), receipt(2), receipt(3)];
    const domain = protocol.domain(protocol.receipts);
    const digests = receipts.map((item) => receiptDigest(domain, item));
    const [a, b, c] = digests.map(leafOf) as [string, string, string];
    const root = pair(pair(a, b), c);
    await anchor(1n, root, 3);
    await expectRevert(anchor(1n, root, 3), "BatchOutOfOrder");

    const included = (digest: string | undefined, siblings: string[], batch = 1n) =>
      protocol.receipts.read("isIncluded", [batch, digest, siblings]);
    expect(await protocol.receipts.read("leafOf", [digests[0]])).toBe(a);
    expect(await included(digests[0], [b, c])).toBe(true);
    expect(await included(digests[2], [pair(a, b)])).toBe(true);
    expect(await included(digests[0], [c, b])).toBe(false);
    expect(await included(receiptDigest(domain, receipt(4)), [b, c])).toBe(false);
    expect(await included(root, [])).toBe(false);
    await expectRevert(included(digests[0], [], 2n), "BatchUnknown");
    await expectRevert(included(digests[0], [], 0n), "BatchUnknown");

    const signature = await protocol.sign("provider", receiptTypedData(domain, receipt(1)));
    const forged = await protocol.sign("rival", receiptTypedData(domain, receipt(1)));
    const anchored = (by: string, item: Receipt) =>
      protocol.receipts.read("isAnchoredReceipt", [1n, item, by, [b, c]]);
    expect(await anchored(signature, receipt(1))).toBe(true);
    expect(await anchored(forged, receipt(1))).toBe(false);
    expect(await anchored(signature, { ...receipt(1), workUnits: 1n })).toBe(false);
  });
});
