import { storage } from "@aios/contracts/storage/job-escrow";
import { keccak256 } from "@aios/core-keccak/keccak";
import { bytesToBigint, concat, unpad, word } from "@aios/core-rlp/hex";
import { encodeRlp } from "@aios/core-rlp/rlp";
import { JOB_STATES } from "@aios/core-settlement/job-state-table";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { MerklePatriciaTrie } from "@aios/core-trie/merkle-patricia-trie";
import { CodedError } from "@aios/kernel/coded-error";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import { checkCertifiedRecord } from "./certified-record-check.js";
import type { ChainEvidence } from "./chain-evidence.js";

const JOB = `0x${"ab".repeat(32)}`;
const ESCROW = `0x${"e5".repeat(20)}`;
const { members, slot: mappingSlot } = storage._jobs;
type Field = keyof typeof members;
const settled: Partial<Record<Field, bigint>> = {
  buyer: 0xb0_b0n << 120n,
  state: BigInt(JOB_STATES.indexOf("Settled")),
  jobKind: 2n,
  leaseBy: 1_700_000_000n,
  provider: 0xda_dan,
  fencingToken: 3n,
  outputHash: 0xfeedn << 200n,
};

/** A state with the escrow among other accounts, and its proofs as a node gives them. */
function stateWith(record: Partial<Record<Field, bigint>>) {
  const first = bytesToBigint(keccak256(concat(fromHex(JOB), word(BigInt(mappingSlot)))));
  const words = new Map<number, bigint>();
  for (const [field, value] of Object.entries(record)) {
    const { slot, offset } = members[field as Field];
    words.set(slot, (words.get(slot) ?? 0n) | (value << BigInt(8 * offset)));
  }
  const slots = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  slots.put(keccak256(word(4n)), encodeRlp(Uint8Array.of(9)));
  for (const [slot, value] of words)
    slots.put(keccak256(word(first + BigInt(slot))), encodeRlp(unpad(word(value))));
  const storageRoot = fromHex(slots.commit(() => undefined));
  const account = encodeRlp([Uint8Array.of(1), new Uint8Array(0), storageRoot, new Uint8Array(32).fill(7)]);
  const accounts = new MerklePatriciaTrie(EMPTY_TRIE_ROOT, () => undefined);
  for (let other = 1; other < 50; other++)
    accounts.put(keccak256(new Uint8Array(20).fill(other)), encodeRlp([Uint8Array.of(other)]));
  accounts.put(keccak256(fromHex(ESCROW)), account);
  const stateRoot = accounts.commit(() => undefined);
  const prove = (keys: readonly string[]) => ({
    accountProof: accounts.proof(keccak256(fromHex(ESCROW))).map(toHex),
    storageProof: keys.map((key) => ({ proof: slots.proof(keccak256(fromHex(key))).map(toHex) })),
  });
  return { stateRoot, prove };
}

const honest = stateWith(settled);
const event = {
  buyer: `0x${(settled.buyer as bigint).toString(16).padStart(40, "0")}`,
  provider: `0x${(settled.provider as bigint).toString(16).padStart(40, "0")}`,
  fencingToken: 3n,
  outputHash: `0x${(settled.outputHash as bigint).toString(16).padStart(64, "0")}`,
};

function recordCheck(
  answer: (keys: readonly string[]) => unknown,
  told: Partial<typeof event> = {},
  stateRoot = honest.stateRoot,
) {
  const rpc = {
    call: async (_method: string, [, keys]: [string, string[]]) => answer(keys),
  } as unknown as JsonRpc;
  const chain = { events: [{ parsed: { name: "JobSettled", args: { ...event, ...told } } }] };
  return checkCertifiedRecord(rpc, { escrow: ESCROW, jobId: JOB }, chain as unknown as ChainEvidence, {
    height: 7,
    stateRoot,
  });
}

describe("a job's record under the certificate", () => {
  it("is proven down to the escrow's storage", async () => {
    expect(await recordCheck(honest.prove)).toMatchObject({ name: "certified-record", ok: true });
  });

  it.each<[string, Partial<typeof event>]>([
    ["buyer", { buyer: `0x${"1".repeat(40)}` }],
    ["provider", { provider: `0x${"1".repeat(40)}` }],
    ["fencingToken", { fencingToken: 4n }],
    ["outputHash", { outputHash: `0x${"1".repeat(64)}` }],
  ])("is wrong where the events tell another %s", async (field, told) => {
    const check = await recordCheck(honest.prove, told);
    expect(check.ok).toBe(false);
    expect(check.how).toContain(field);
  });

  it("is wrong where the certified state holds the job as delivered, or not at all", async () => {
    const delivered = stateWith({ ...settled, state: BigInt(JOB_STATES.indexOf("Delivered")) });
    expect((await recordCheck(delivered.prove, {}, delivered.stateRoot)).ok).toBe(false);
    const none = stateWith({});
    expect((await recordCheck(none.prove, {}, none.stateRoot)).ok).toBe(false);
  });

  it("is wrong where the proofs are of another state, or fall short", async () => {
    const other = stateWith({ ...settled, fencingToken: 2n });
    expect((await recordCheck(honest.prove, {}, other.stateRoot)).ok).toBe(false);
    const short = await recordCheck((keys) => ({ ...honest.prove(keys), storageProof: [] }));
    expect(short).toMatchObject({ ok: false, how: expect.stringContaining("does not show") });
  });

  it("stays open where the node gives no proof", async () => {
    const refused = new CodedError({ code: "json-rpc-error", kind: "unprocessable", message: "pruned" });
    expect((await recordCheck(() => Promise.reject(refused))).ok).toBeUndefined();
    expect((await recordCheck(() => ({ accountProof: 1 }))).ok).toBeUndefined();
  });
});
