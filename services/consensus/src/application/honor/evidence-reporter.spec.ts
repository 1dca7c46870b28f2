import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, fromHex, word } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { describe, expect, it } from "vitest";
import { sampleEvidence } from "../../../test/support/sample-evidence.js";
import type { BlockHeader } from "../../domain/block.js";
import type { EvidenceRecord } from "../../domain/honor-ports.js";
import { EvidenceReporter } from "./evidence-reporter.js";

const CONTRACT = `0x${"cc".repeat(20)}` as Address;
const OPERATOR = `0x${"0e".repeat(20)}` as Address;
/** Slots of the contract: see `staking-state.ts`. */
const NODES = 5n;
const CONVICTED = 7n;
/** Every reporter's turn has come by then. */
const ALL_TURNS = 60;

const { offence } = sampleEvidence(4, 0);

function slotOf(mapping: bigint, offset = 0n): Bytes32 {
  const entry = keccak256(Uint8Array.from([...word(BigInt(offence.account)), ...word(mapping)]));
  return bytes32Of(word(BigInt(bytes32Of(entry)) + offset));
}

/** A chain on which the guilty has a deposit, until a transaction that is ordered takes it. */
function world(options: { readonly hasSigner?: boolean } = {}) {
  const storage = new Map<Bytes32, Uint8Array>([[slotOf(NODES, 1n), Uint8Array.of(97)]]);
  const records = new Map<string, EvidenceRecord>();
  const waiting = new Map<string, { raw: Uint8Array }>();
  const places = new Map<string, number>();
  const sent: Uint8Array[] = [];
  const isPoor = { now: false };
  /** Heights at which a transaction was offered. */
  const attempts: number[] = [];
  let writes = 0;
  const errors: unknown[] = [];
  let height = 0;
  const head = (): BlockHeader =>
    ({
      number: height,
      stateRoot: `0x${"5a".repeat(32)}`,
      gasLimit: 60_000_000n,
      gasUsed: 0n,
      baseFeePerGas: 7n,
    }) as unknown as BlockHeader;
  const view = {
    account: () => undefined,
    storage: (_: Address, slot: Bytes32) => storage.get(slot) ?? new Uint8Array(0),
    code: () => new Uint8Array(0),
  };
  const parts = {
    chainId: 1,
    minimumBaseFeePerGas: 0n,
    contract: CONTRACT,
    signer:
      options.hasSigner === false
        ? undefined
        : {
            address: OPERATOR,
            sign: ({ data }: { data: Uint8Array }) => Uint8Array.from([...data, sent.length]),
          },
    store: {
      put: async (record: EvidenceRecord) => {
        writes += 1;
        records.set(record.offence.publicKey, record);
      },
      records: () => records.values(),
    },
    states: { snapshot: () => ({ ...view, root: head().stateRoot, [Symbol.dispose]: () => undefined }) },
    blocks: {
      head,
      placeOf: (hash: Bytes32) => {
        const blockNumber = places.get(hash);
        return blockNumber === undefined ? undefined : { blockNumber, index: 0 };
      },
    },
    mempool: {
      pool: { get: (hash: Bytes32) => waiting.get(hash), nextNonce: () => BigInt(sent.length) },
      submit: async (raw: Uint8Array) => {
        const hash = bytes32Of(keccak256(raw));
        attempts.push(height);
        if (isPoor.now) throw new Error("insufficient funds");
        // Written down before it leaves.
        expect([...records.values()].map(({ transaction }) => transaction)).toContain(hash);
        sent.push(raw);
        waiting.set(hash, { raw });
        return hash;
      },
    },
    onError: (error: unknown) => errors.push(error),
  };
  const open = () =>
    new EvidenceReporter(parts as unknown as ConstructorParameters<typeof EvidenceReporter>[0]);
  return {
    open,
    sent,
    isPoor,
    attempts,
    writes: () => writes,
    errors,
    records,
    /** Orders what waits, and convicts the guilty by it where the contract takes it. */
    order(convicts: boolean): void {
      for (const hash of waiting.keys()) places.set(hash, height);
      waiting.clear();
      if (convicts) this.convict();
    },
    convict(): void {
      storage.set(slotOf(CONVICTED), Uint8Array.of(1));
      storage.delete(slotOf(NODES, 1n));
    },
    drop: () => waiting.clear(),
    async pass(reporter: EvidenceReporter, heights: number): Promise<void> {
      for (const last = height + heights; height < last; ) {
        height += 1;
        reporter.onHead(head());
        await reporter.idle();
      }
    },
  };
}

const stateOf = (reporter: EvidenceReporter) => reporter.list().map(({ state }) => state);

describe("evidence that a node finds", () => {
  it("is kept at once, shown to the contract once, and done when the guilty is convicted", async () => {
    const chain = world();
    const reporter = chain.open();
    reporter.found(offence);
    reporter.found(offence);
    await reporter.idle();
    expect([...chain.records.keys()]).toEqual([offence.publicKey]);
    expect(stateOf(reporter)).toEqual(["kept"]);
    await chain.pass(reporter, ALL_TURNS);
    expect(stateOf(reporter)).toEqual(["submitted"]);
    chain.order(true);
    await chain.pass(reporter, ALL_TURNS);
    expect(stateOf(reporter)).toEqual(["convicted"]);
    expect(chain.sent).toHaveLength(1);
    expect(chain.errors).toEqual([]);
  });

  it("is not sent again after a restart while it waits, and again where it was lost", async () => {
    const chain = world();
    const reporter = chain.open();
    reporter.found(offence);
    await chain.pass(reporter, ALL_TURNS);
    const restarted = chain.open();
    await chain.pass(restarted, ALL_TURNS);
    expect(chain.sent).toHaveLength(1);
    chain.drop();
    await chain.pass(restarted, 2);
    expect(chain.sent).toHaveLength(2);
  });

  it("is offered less and less often, and written down no more often, while it cannot be sent", async () => {
    const chain = world();
    const reporter = chain.open();
    chain.isPoor.now = true;
    reporter.found(offence);
    await chain.pass(reporter, 2_000);
    expect(chain.attempts.length).toBeGreaterThan(3);
    expect(chain.attempts.length).toBeLessThan(12);
    expect(chain.writes()).toBe(chain.attempts.length + 1);
    chain.isPoor.now = false;
    await chain.pass(reporter, 600);
    expect(chain.sent).toHaveLength(1);
    chain.order(true);
    await chain.pass(reporter, 1);
    expect(stateOf(reporter)).toEqual(["convicted"]);
  });

  it("is left to others after three transactions that convicted nobody", async () => {
    const chain = world();
    const reporter = chain.open();
    reporter.found(offence);
    for (let round = 0; round < 6; round++) {
      await chain.pass(reporter, ALL_TURNS);
      chain.order(false);
    }
    expect(chain.sent).toHaveLength(3);
  });

  it("costs nobody anything whom another one showed to the contract before", async () => {
    const chain = world();
    chain.convict();
    const reporter = chain.open();
    reporter.found(offence);
    await chain.pass(reporter, ALL_TURNS);
    expect(stateOf(reporter)).toEqual(["convicted"]);
    expect(chain.sent).toEqual([]);
  });

  it("is kept by a node without an operator's key", async () => {
    const chain = world({ hasSigner: false });
    const reporter = chain.open();
    reporter.found(offence);
    await chain.pass(reporter, ALL_TURNS);
    expect(stateOf(chain.open())).toEqual(["kept"]);
    expect(fromHex(`0x${offence.publicKey}`)).toHaveLength(48);
  });
});
