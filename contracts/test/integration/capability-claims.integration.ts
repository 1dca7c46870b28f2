import { drawnIndex, drawSecretHash, drawSeed, questionId } from "@aios/core-capability/draw";
import { commitTestSet, type Sample } from "@aios/core-capability/test-set";
import { packOutput } from "@aios/core-zkml/output-packing";
import { STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { SeededRng } from "@aios/kernel/random";
import { getBytes, hexlify, keccak256, toUtf8Bytes } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abi } from "../../generated/abi/capability-claims.js";
import { expectRevert, type Sent, TestContract } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

const CLASSES = 10;
const rng = new SeededRng(61);
const samples: Sample[] = Array.from({ length: 7 }, (_, index) => ({
  input: rng.bytes(3),
  salt: rng.bytes(32),
  label: index,
}));
const set = commitTestSet(samples);
const other = commitTestSet(samples.slice(0, 6));

let chain: TestChain;
let protocol: TestProtocol;
let claims: TestContract;
let modelId: bigint;
let modelCommitment: string;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  claims = new TestContract(protocol.deployment.contracts.CapabilityClaims, abi, protocol.wallets.stranger);
  modelCommitment = keccak256(toUtf8Bytes("a classifier"));
  modelId = await protocol.publish({ modelCommitment });
  await send("buyer", "publishTestSet", [set.root, set.size, CLASSES, "seven digits"]);
});
afterAll(() => chain?.stop());

type Party = "owner" | "buyer" | "stranger" | "provider";
const send = (who: Party, method: string, args: readonly unknown[]): Promise<Sent> =>
  claims.send(protocol.wallets[who], method, args);
const argOf = (sent: Sent, event: string, name: string): bigint =>
  BigInt(String(sent.events.find((one) => one.name === event)?.args[name]));

interface Drawn {
  readonly claimId: bigint;
  readonly secret: string;
  readonly seed: string;
}

async function claimed(
  drawCount: number,
  minimumCorrect: number,
): Promise<{ claimId: bigint; secret: string; drawId: bigint; blockHash: string }> {
  const secret = hexlify(rng.bytes(32));
  const drawId = argOf(await send("buyer", "offerDraw", [drawSecretHash(secret)]), "DrawOffered", "drawId");
  const sent = await send("owner", "claim", claimArguments({ drawCount, minimumCorrect, drawId }));
  return {
    claimId: argOf(sent, "CapabilityClaimed", "claimId"),
    secret,
    drawId,
    blockHash: sent.receipt.blockHash,
  };
}

function claimArguments({
  drawCount = 4,
  minimumCorrect = 3,
  publisher = "buyer",
  root = set.root,
  verifier = protocol.deployment.contracts.Groth16ResultVerifier,
  drawId,
}: {
  drawCount?: number;
  minimumCorrect?: number;
  publisher?: Party;
  root?: string;
  verifier?: string;
  drawId: bigint;
}): unknown[] {
  return [modelId, verifier, protocol.address(publisher), root, drawCount, minimumCorrect, drawId];
}

async function drawn(drawCount: number, minimumCorrect: number): Promise<Drawn> {
  const { claimId, secret, blockHash } = await claimed(drawCount, minimumCorrect);
  // A call is tried on the newest block, which must be another one than the claim's.
  await chain.advance(1);
  await send("stranger", "reveal", [claimId, secret]);
  return { claimId, secret, seed: drawSeed(claimId, secret, blockHash) };
}

const logits = (label: number): number[] =>
  Array.from({ length: CLASSES }, (_, at) => (at === label ? 900 : at * 10 - 400));

/** What answers a position, with the model's output for the sample and a proof of it. */
function answerTo(
  { claimId, seed }: Drawn,
  position: number,
  {
    says,
    index = drawnIndex(seed, position, set.size),
    bound = {},
  }: { says?: number; index?: number; bound?: Partial<{ claimId: bigint; position: number }> } = {},
): Record<string, unknown> {
  const { inputCommitment, label } = set.committed(index);
  const output = packOutput(logits(says ?? label));
  const context = statementContext({
    version: STATEMENT_VERSION,
    chainId: chain.chainId,
    escrow: claims.address,
    jobId: questionId(bound.claimId ?? claimId, bound.position ?? position),
    requester: protocol.address("owner"),
    modelCommitment: getBytes(modelCommitment),
    verifyingKeyHash: getBytes(protocol.key.verifyingKeyHash),
  });
  return {
    position,
    inputCommitment,
    label,
    path: set.pathOf(index),
    output,
    evidence: protocol.key.evidence([context, inputCommitment, output]),
  };
}

const answer = (claimId: bigint, answers: readonly unknown[]) =>
  send("stranger", "answer", [claimId, answers]);

async function standing(claimId: bigint): Promise<{ answered: bigint; correct: bigint }> {
  const { answered, correct } = (await claims.read("claimOf", [claimId])) as {
    answered: bigint;
    correct: bigint;
  };
  return { answered, correct };
}

describe("a capability claim", () => {
  it("is proven by proofs of the samples that were drawn, and says how many were right", async () => {
    const claim = await drawn(4, 3);
    for (let position = 0; position < 4; position++)
      expect(Number(await claims.readBigInt("indexAt", [claim.claimId, position]))).toBe(
        drawnIndex(claim.seed, position, set.size),
      );
    const wrong = (set.committed(drawnIndex(claim.seed, 1, set.size)).label + 1) % CLASSES;
    const first = await answer(claim.claimId, [answerTo(claim, 0), answerTo(claim, 1, { says: wrong })]);
    expect(first.events.map(({ name }) => name)).toEqual(["QuestionAnswered", "QuestionAnswered"]);
    expect(await standing(claim.claimId)).toEqual({ answered: 2n, correct: 1n });

    const rest = await answer(claim.claimId, [answerTo(claim, 3), answerTo(claim, 2)]);
    expect(argOf(rest, "CapabilityProven", "correct")).toBe(3n);
    expect(await standing(claim.claimId)).toEqual({ answered: 4n, correct: 3n });
  });

  it("counts each question once, whoever submits how often", async () => {
    const claim = await drawn(2, 2);
    const both = [answerTo(claim, 0), answerTo(claim, 0), answerTo(claim, 1)];
    await answer(claim.claimId, both);
    const again = await answer(claim.claimId, both);
    expect(again.events).toEqual([]);
    expect(await standing(claim.claimId)).toEqual({ answered: 2n, correct: 2n });
  });

  it("takes no other sample, label, output or proof for a drawn one", async () => {
    const claim = await drawn(2, 1);
    const elsewhere = await drawn(2, 1);
    const index = drawnIndex(claim.seed, 0, set.size);
    const honest = answerTo(claim, 0);
    const refused = async (given: unknown, error: string) =>
      expectRevert(answer(claim.claimId, [given]), error);
    await refused(answerTo(claim, 0, { index: (index + 1) % set.size }), "SampleNotInTestSet");
    await refused({ ...honest, label: (Number(honest["label"]) + 1) % CLASSES }, "SampleNotInTestSet");
    await refused({ ...honest, path: [] }, "SampleNotInTestSet");
    await refused({ ...honest, inputCommitment: 5n }, "SampleNotInTestSet");
    await refused({ ...honest, output: (honest["output"] as bigint) + 1n }, "AnswerRefused");
    await refused(answerTo(claim, 0, { bound: { position: 1 } }), "AnswerRefused");
    await refused(answerTo(claim, 0, { bound: { claimId: elsewhere.claimId } }), "AnswerRefused");
    await refused({ ...honest, evidence: "0x" }, "AnswerRefused");
    await refused({ ...honest, position: 2 }, "PositionOutOfRange");
    expect(await standing(claim.claimId)).toEqual({ answered: 0n, correct: 0n });
    await answer(claim.claimId, [honest]);
  });

  it("takes no answer before the draw, and draws once, by its own secret, after its block and within 256", async () => {
    const early = await claimed(1, 1);
    await expectRevert(
      answer(early.claimId, [answerTo({ ...early, seed: early.secret }, 0)]),
      "SamplesNotDrawn",
    );
    await chain.advance(1);
    await expectRevert(send("owner", "reveal", [early.claimId, hexlify(rng.bytes(32))]), "SecretMismatch");
    await send("owner", "reveal", [early.claimId, early.secret]);
    await expectRevert(send("owner", "reveal", [early.claimId, early.secret]), "SamplesAlreadyDrawn");
    await expectRevert(send("owner", "reveal", [999n, early.secret]), "ClaimUnknown");

    const late = await claimed(1, 1);
    for (let block = 0; block < 257; block++) await chain.advance(1);
    await expectRevert(send("buyer", "reveal", [late.claimId, late.secret]), "DrawTooLate");
    // What came to nothing stays in the model's list.
    const all = (await claims.read("claimsOf", [modelId])) as readonly bigint[];
    expect(all).toContain(late.claimId);
  });

  it("is the owner's to make, on a published set, drawn by somebody else, with numbers that mean something", async () => {
    const offer = async (who: Party): Promise<bigint> =>
      argOf(await send(who, "offerDraw", [drawSecretHash(hexlify(rng.bytes(32)))]), "DrawOffered", "drawId");
    const drawId = await offer("buyer");
    const claim = (change: Parameters<typeof claimArguments>[0], who: Party = "owner") =>
      send(who, "claim", claimArguments(change));
    await expectRevert(claim({ drawId }, "stranger"), "NotModelOwner");
    await expectRevert(claim({ drawId, root: other.root }), "TestSetUnknown");
    await expectRevert(claim({ drawId: 999n }), "DrawUnknown");
    await expectRevert(claim({ drawId: await offer("owner") }), "DrawnByOwner");
    for (const numbers of [{ drawCount: 257 }, { minimumCorrect: 0 }, { minimumCorrect: 5 }])
      await expectRevert(claim({ drawId, ...numbers }), "NumbersOutOfRange");
    for (const verifier of [
      "DeliveryResultVerifier",
      "SampledResultVerifier",
      "ReplicatedResultVerifier",
    ] as const)
      await expectRevert(
        claim({ drawId, verifier: protocol.deployment.contracts[verifier] }),
        "VerifierProvesNothing",
      );
    await claim({ drawId });
    await expectRevert(claim({ drawId }), "DrawTaken");
    await expectRevert(send("stranger", "publishTestSet", [other.root, 0, CLASSES, "none"]), "TestSetEmpty");
  });

  it("is about the test set of the publisher that it names: nobody takes another's root", async () => {
    await expectRevert(send("buyer", "publishTestSet", [set.root, 3, 2, "again"]), "TestSetKnown");
    await send("stranger", "publishTestSet", [set.root, 3, 2, "mine now"]);
    const of = async (party: Party) => {
      const { size, classes } = (await claims.read("testSets", [protocol.address(party), set.root])) as {
        size: bigint;
        classes: bigint;
      };
      return [size, classes];
    };
    expect(await of("buyer")).toEqual([BigInt(set.size), BigInt(CLASSES)]);
    expect(await of("stranger")).toEqual([3n, 2n]);
    const { claimId } = await claimed(1, 1);
    const { publisher, testSetSize } = (await claims.read("claimOf", [claimId])) as {
      publisher: string;
      testSetSize: bigint;
    };
    expect([publisher, testSetSize]).toEqual([protocol.address("buyer"), BigInt(set.size)]);
    await expectRevert(
      send("owner", "claim", claimArguments({ publisher: "provider", drawId: 1n })),
      "TestSetUnknown",
    );
  });

  it("reads outputs as the test set's publisher fixed, not as its owner likes", async () => {
    for (const classes of [0, 1, 32])
      await expectRevert(
        send("buyer", "publishTestSet", [other.root, 6, classes, "classes"]),
        "ClassesOutOfRange",
      );
    const { claimId } = await claimed(1, 1);
    expect(((await claims.read("claimOf", [claimId])) as { classes: bigint }).classes).toBe(BigInt(CLASSES));
    expect(claims.interface.getFunction("claim")?.inputs.map(({ name }) => name)).not.toContain("classes");
  });

  it("costs little more than its proofs", async () => {
    const claim = await drawn(8, 8);
    const { gasUsed } = await answer(
      claim.claimId,
      Array.from({ length: 8 }, (_, position) => answerTo(claim, position)),
    );
    expect(Number(gasUsed) / 8).toBeLessThan(320_000);
  });
});
