import { splitLicencePrice } from "@aios/core-settlement/splits";
import { keccak256, toUtf8Bytes, ZeroHash } from "ethers";
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

describe("ModelLicence", () => {
  it("publishes what the owner signed, once", async () => {
    const modelId = await protocol.publish({ modelCommitment: "0x".padEnd(66, "7"), nonce: 5_000n });
    const model = (await protocol.models.read("modelById", [modelId])) as Record<string, unknown>;
    expect(model["owner"]).toBe(protocol.address("owner"));
    expect(model["contentCid"]).toMatch(/^bafkrei/);
    expect(await protocol.models.read("verifyingKeyHash", [modelId])).toBe(protocol.key.verifyingKeyHash);
    expect(await protocol.models.read("ceremonyTranscriptHash", [modelId])).toBe(
      keccak256(toUtf8Bytes("a ceremony")),
    );
    expect(await protocol.models.readBigInt("usageFeeWei", [modelId])).toBe(30n);
    const again = protocol.publish({ modelCommitment: "0x".padEnd(66, "7") });
    expect((await expectRevert(again, "AlreadyPublished"))["modelId"]).toBe(String(modelId));
  });

  it("refuses terms out of range", async () => {
    const expired = BigInt(await chain.now()) - 1n;
    await expectRevert(protocol.publish({ royaltyBps: 499 }), "RoyaltyOutOfRange");
    await expectRevert(protocol.publish({ royaltyBps: 1501 }), "RoyaltyOutOfRange");
    await expectRevert(protocol.publish({ modelCommitment: ZeroHash }), "CommitmentMissing");
    await expectRevert(protocol.publish({ verifyingKeyHash: ZeroHash }), "CommitmentMissing");
    await expectRevert(protocol.publish({ contentCid: "" }), "ContentCidLength");
    await expectRevert(protocol.publish({ contentCid: "b".repeat(129) }), "ContentCidLength");
    await expectRevert(protocol.publish({ usageFeeWei: 1n << 128n }), "AmountOutOfRange");
    await expectRevert(protocol.publish({ licencePriceWei: 1n << 128n }), "AmountOutOfRange");
    await expectRevert(protocol.publish({ deadline: expired }), "SignatureExpired");
    await expectRevert(protocol.publish({ owner: protocol.address("stranger") }), "BadSignature");
    await protocol.publish({ royaltyBps: 500 });
    await protocol.publish({ royaltyBps: 1500 });
  });

  it("sells a licence: price to owner and treasury, the rest burned, the token to the buyer", async () => {
    const modelId = await protocol.publish();
    const owed = (account: string) => protocol.models.readBigInt("withdrawable", [account]);
    const [owner, treasury] = [protocol.address("owner"), protocol.treasury];
    const before = [
      await owed(owner),
      await owed(treasury),
      await protocol.token.readBigInt("totalSupply"),
    ] as const;
    const licenceId = await protocol.buyLicence(modelId);
    const split = splitLicencePrice(1001n, 500);
    expect((await owed(owner)) - before[0]).toBe(split.ownerWei);
    expect((await owed(treasury)) - before[1]).toBe(split.feeTreasuryWei);
    expect(before[2] - (await protocol.token.readBigInt("totalSupply"))).toBe(split.feeBurnedWei);
    expect(await protocol.balance(protocol.models.address)).toBe(
      await protocol.models.readBigInt("totalWithdrawableWei"),
    );
    expect(await protocol.models.read("ownerOf", [licenceId])).toBe(protocol.address("buyer"));
    expect(await protocol.models.readBigInt("modelOf", [licenceId])).toBe(modelId);
    expect(await protocol.models.read("isLicensed", [modelId, licenceId, protocol.address("buyer")])).toBe(
      true,
    );
    expect(await protocol.models.read("isLicensed", [modelId, licenceId, owner])).toBe(false);
    expect(await protocol.models.read("isLicensed", [0n, 0n, protocol.address("buyer")])).toBe(false);

    await protocol.models.send(protocol.wallets.stranger, "withdrawFor", [owner]);
    expect(await owed(owner)).toBe(0n);
  });

  it("refuses a purchase above its maximum, repeated, expired, unsigned or of nothing", async () => {
    const modelId = await protocol.publish();
    await expectRevert(protocol.buyLicence(modelId, { maxPriceWei: 1000n }), "PriceAboveMaximum");
    await expectRevert(protocol.buyLicence(modelId, { deadline: 1n }), "SignatureExpired");
    await expectRevert(protocol.buyLicence(modelId, { buyer: protocol.address("stranger") }), "BadSignature");
    await expectRevert(protocol.buyLicence(10_000n), "ModelUnknown");
    const fixed = { nonce: protocol.nonce(), deadline: BigInt(await chain.now()) + 3600n };
    await protocol.buyLicence(modelId, fixed);
    await expectRevert(protocol.buyLicence(modelId, fixed), "AlreadyConsumed");
  });

  it("gives a licence away for nothing where that is the price", async () => {
    const modelId = await protocol.publish({ licencePriceWei: 0n });
    const before = await protocol.balance(protocol.address("buyer"));
    await protocol.buyLicence(modelId, { maxPriceWei: 0n });
    expect(await protocol.balance(protocol.address("buyer"))).toBe(before);
  });

  it("names the royalty of a resale (ERC-2981) and speaks ERC-165", async () => {
    const licenceId = await protocol.buyLicence(await protocol.publish());
    const [receiver, amount] = (await protocol.models.read("royaltyInfo", [licenceId, 10_000n])) as [
      string,
      bigint,
    ];
    expect([receiver, amount]).toEqual([protocol.address("owner"), 700n]);
    for (const id of ["0x2a55205a", "0x80ac58cd", "0x01ffc9a7"]) {
      expect(await protocol.models.read("supportsInterface", [id])).toBe(true);
    }
    await expectRevert(protocol.models.read("royaltyInfo", [999n, 1n]), "ModelUnknown");
  });
});
