import { ContractFactory, id } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi as holderAbi, bytecode as holderCode } from "../../generated/test/reentering-holder.js";
import { expectRevert, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { AIOS, TestProtocol } from "../support/protocol.js";

let chain: TestChain;
let protocol: TestProtocol;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
});
afterAll(() => chain?.stop());

const supply = () => protocol.token.readBigInt("totalSupply");
const backing = () => chain.provider.getBalance(protocol.token.address);
const sink = async () => chain.provider.getBalance(String(await protocol.token.read("BURN_SINK")));

describe("WrappedAios", () => {
  it("wraps and unwraps one to one", async () => {
    const { stranger } = protocol.wallets;
    await protocol.wrap("stranger", 5_000n);
    await protocol.token.send(stranger, "depositTo", [protocol.address("rival")], 7n);
    const response = await stranger.sendTransaction({
      to: protocol.token.address,
      value: 11n,
      gasLimit: 200_000n,
    });
    await response.wait();
    expect(await protocol.balance(stranger.address)).toBe(5_011n);
    await protocol.token.send(stranger, "withdraw", [11n]);
    expect(await protocol.balance(stranger.address)).toBe(5_000n);
    await expectRevert(protocol.token.send(stranger, "withdraw", [5_001n]), "ERC20InsufficientBalance");
    expect(await backing()).toBe(await supply());
  });

  it("burns the backing with the token", async () => {
    const { stranger, buyer } = protocol.wallets;
    const [supplyBefore, sinkBefore] = [await supply(), await sink()];
    await protocol.token.send(stranger, "burn", [100n]);
    await protocol.token.send(stranger, "approve", [buyer.address, 50n]);
    await protocol.token.send(buyer, "burnFrom", [stranger.address, 50n]);
    await expectRevert(
      protocol.token.send(buyer, "burnFrom", [stranger.address, 1n]),
      "ERC20InsufficientAllowance",
    );
    expect(supplyBefore - (await supply())).toBe(150n);
    expect((await sink()) - sinkBefore).toBe(150n);
    expect(await backing()).toBe(await supply());
  });

  it("pays out once to a holder that calls back in", async () => {
    const deployed = await new ContractFactory(holderAbi, holderCode, protocol.wallets.deployer).deploy(
      protocol.token.address,
    );
    await deployed.waitForDeployment();
    const holder = new TestContract(await deployed.getAddress(), holderAbi, protocol.wallets.stranger);
    await holder.send(protocol.wallets.stranger, "attack", [AIOS / 2n], AIOS / 2n);
    expect(await holder.read("secondWithdrawalSucceeded")).toBe(false);
    expect(await backing()).toBe(await supply());
  });

  it("refuses to unwrap to an account that cannot take native coins", async () => {
    // The receipt registry has no receive function; anvil lets us send as any account.
    const stuck = protocol.receipts.address;
    await protocol.token.send(protocol.wallets.buyer, "transfer", [stuck, 5n]);
    const data = protocol.token.interface.encodeFunctionData("withdraw", [5n]);
    const call = chain.provider.call({ from: stuck, to: protocol.token.address, data });
    await expect(call).rejects.toMatchObject({
      data: expect.stringMatching(new RegExp(`^${id("NativeTransferFailed(address,uint256)").slice(0, 10)}`)),
    });
  });

  it("refuses a permit that is expired, replayed or another's", async () => {
    const { stranger } = protocol.wallets;
    const permit = await protocol.permit("buyer", protocol.escrow, 5n);
    const parts = (signature: string) => [
      Number.parseInt(signature.slice(130), 16),
      signature.slice(0, 66),
      `0x${signature.slice(66, 130)}`,
    ];
    const submit = (value: bigint, deadline: bigint) =>
      protocol.token.send(stranger, "permit", [
        protocol.address("buyer"),
        protocol.escrow.address,
        value,
        deadline,
        ...parts(permit.signature),
      ]);
    await expectRevert(submit(6n, permit.deadline), "ERC2612InvalidSigner");
    await expectRevert(submit(5n, 1n), "ERC2612ExpiredSignature");
    await submit(5n, permit.deadline);
    await expectRevert(submit(5n, permit.deadline), "ERC2612InvalidSigner");
  });

  it("counts votes by time stamp once delegated", async () => {
    const { buyer } = protocol.wallets;
    expect(await protocol.token.read("CLOCK_MODE")).toBe("mode=timestamp");
    const before = await chain.now();
    const clock = Number(await protocol.token.read("clock"));
    expect(clock).toBeGreaterThanOrEqual(before);
    // A call sees the time now, which the next block has at the earliest.
    await chain.advance(0);
    expect(clock).toBeLessThanOrEqual(await chain.now());
    await protocol.token.send(buyer, "delegate", [buyer.address]);
    expect(await protocol.token.readBigInt("getVotes", [buyer.address])).toBe(
      await protocol.balance(buyer.address),
    );
  });
});
