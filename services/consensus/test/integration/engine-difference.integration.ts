import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChainDatabase } from "@aios/consensus/adapters/lmdb/chain-database";
import { LmdbBlockStore } from "@aios/consensus/adapters/lmdb/lmdb-block-store";
import { LmdbStateStore } from "@aios/consensus/adapters/lmdb/lmdb-state-store";
import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import type { BlockHeader } from "@aios/consensus/domain/block";
import type { CallRequest, ExecutedBlock, ExecutionEngine } from "@aios/consensus/domain/ports";
import type { TraceJson, TraceOptions } from "@aios/consensus/domain/tracing/tracer";
import type { SignedTransaction } from "@aios/consensus/domain/transaction";
import { AdmissionCodec } from "@aios/consensus/domain/transaction-codec";
import { defaultNodeSettings, ENGINES, type EngineName } from "@aios/consensus/node/node-settings";
import { openEngine } from "@aios/consensus/node/open-engine";
import { fromHex } from "@aios/core-rlp/hex";
import { type Address, address } from "@aios/kernel/identifiers";
import { Interface, type TransactionLike } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCounter } from "../support/contracts.js";
import { testGenesis, wallets } from "../support/test-chain.js";

const genesis = testGenesis();
const counter = compileCounter();
const counterInterface = new Interface(counter.abi);
const codec = new AdmissionCodec(genesis, recoverPublicKey);
const FEES = { type: 2, chainId: genesis.chainId, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 3n };
const CALLS = { tracer: "callTracer", onlyTopCall: false, withLog: true } as const;
const REVERTED = "execution reverted";
const REFUSALS: ReadonlySet<string> = new Set([
  "insufficient balance for transfer",
  "max call depth exceeded",
  "nonce uint64 overflow",
]);
const TRACES: readonly TraceOptions[] = [
  CALLS,
  {
    tracer: "prestateTracer",
    diffMode: false,
    disableCode: false,
    disableStorage: false,
    includeEmpty: false,
  },
  {
    tracer: "prestateTracer",
    diffMode: true,
    disableCode: false,
    disableStorage: false,
    includeEmpty: false,
  },
  { tracer: "4byteTracer" },
  {
    tracer: "structLogger",
    // The library shows memory as the instruction will have grown it.
    enableMemory: false,
    disableStack: false,
    disableStorage: false,
    enableReturnData: true,
    limit: 0,
  },
];

/** The library counts a call's stipend to its cost. */
const COST_DIFFERS: ReadonlySet<string> = new Set([
  "CALL",
  "CALLCODE",
  "DELEGATECALL",
  "STATICCALL",
  "CREATE",
]);

interface TracedCall {
  readonly error?: string;
  readonly calls?: readonly TracedCall[];
}

/** How the calls of a transaction failed, its own included. */
function faultsOf({ error, calls = [] }: TracedCall): string[] {
  return [...(error === undefined || error === REVERTED ? [] : [error]), ...calls.flatMap(faultsOf)];
}

/**
 * Whether both say the same of a transaction with these faults: the library knows nothing of calls that never began, and
 * takes for seen what an instruction named that it could not pay for.
 */
function isShownByBoth({ tracer }: TraceOptions, faults: readonly string[]): boolean {
  if (faults.some((fault) => REFUSALS.has(fault))) return false;
  return faults.length === 0 || tracer === "callTracer" || tracer === "4byteTracer";
}

/**
 * What both must say. The library keeps the refunds of authorizations apart, shows no STOP where code just ends, and names
 * another of several faults of one instruction.
 */
function comparable(trace: TraceJson): TraceJson {
  const named = (key: string, value: unknown): unknown =>
    key === "error" && value !== REVERTED ? "fault" : value;
  const { structLogs = [], ...rest } = JSON.parse(JSON.stringify(trace, named)) as {
    readonly structLogs?: readonly Record<string, TraceJson>[];
  };
  return {
    ...rest,
    structLogs: structLogs
      .filter(({ op }) => op !== "STOP")
      .map(({ gasCost = null, refund: _, ...log }) =>
        COST_DIFFERS.has(String(log["op"])) ? log : { ...log, gasCost },
      ),
  };
}

interface Subject {
  readonly engine: ExecutionEngine;
  readonly blocks: LmdbBlockStore;
  close(): Promise<void>;
}

async function open(name: EngineName): Promise<Subject> {
  const directory = await mkdtemp(join(tmpdir(), "aios-engine-difference-"));
  const database = new ChainDatabase(directory);
  const states = new LmdbStateStore(database);
  const blocks = new LmdbBlockStore(database, codec);
  const engine = await openEngine(name, {
    genesis,
    states,
    blocks,
    recover: recoverPublicKey,
    settings: { ...defaultNodeSettings, maxBlockExecutionMs: 60_000 },
    now: () => performance.now(),
  });
  await blocks.append(await engine.executeGenesis());
  return {
    engine,
    blocks,
    async close() {
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a transaction of a random block does; `contract` picks among those that exist by then. */
type Action =
  | { readonly kind: "transfer"; readonly to: number; readonly value: bigint }
  | { readonly kind: "create"; readonly code: Uint8Array; readonly value: bigint }
  | { readonly kind: "add"; readonly amount: number; readonly note: string }
  | { readonly kind: "make" }
  | { readonly kind: "call"; readonly contract: number; readonly data: Uint8Array }
  | { readonly kind: "delegate"; readonly contract: number; readonly badNonce: boolean };

/** Instructions that do something in any order, with few that end the code at once. */
const instruction = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 255 }).map((value) => [0x60, value]) },
  { weight: 3, arbitrary: fc.integer({ min: 0x80, max: 0x85 }).map((op) => [op]) },
  { weight: 2, arbitrary: fc.constantFrom(0x90, 0x91, 0x50, 0x5f).map((op) => [op]) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(0x01, 0x02, 0x03, 0x04, 0x06, 0x08, 0x0a, 0x10, 0x14, 0x19, 0x1b)
      .map((op) => [op]),
  },
  { weight: 3, arbitrary: fc.constantFrom(0x20, 0x51, 0x52, 0x53, 0x5e).map((op) => [op]) },
  { weight: 4, arbitrary: fc.constantFrom(0x54, 0x55, 0x5c, 0x5d).map((op) => [op]) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x3b, 0x3f, 0x42, 0x43, 0x47, 0x48)
      .map((op) => [op]),
  },
  { weight: 2, arbitrary: fc.constantFrom(0xa0, 0xa1, 0xa2).map((op) => [op]) },
  { weight: 2, arbitrary: fc.constantFrom(0xf1, 0xf4, 0xfa, 0xf0).map((op) => [op]) },
  { weight: 1, arbitrary: fc.constantFrom(0xf3, 0xfd, 0xff, 0xfe, 0x00).map((op) => [op]) },
);

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ kind: fc.constant("transfer" as const), to: fc.nat(3), value: fc.bigInt(0n, 10n ** 18n) }),
  fc.record({
    kind: fc.constant("create" as const),
    // A push of enough words first, so that what follows has something on the stack.
    code: fc
      .array(instruction, { minLength: 5, maxLength: 60 })
      .map((parts) => Uint8Array.from([...Array(12).fill([0x60, 0x20]).flat(), ...parts.flat()])),
    value: fc.constantFrom(0n, 5n),
  }),
  fc.record({ kind: fc.constant("add" as const), amount: fc.nat(120), note: fc.string({ maxLength: 40 }) }),
  fc.constant({ kind: "make" as const }),
  fc.record({
    kind: fc.constant("call" as const),
    contract: fc.nat(20),
    data: fc.uint8Array({ maxLength: 70 }),
  }),
  fc.record({ kind: fc.constant("delegate" as const), contract: fc.nat(20), badNonce: fc.boolean() }),
);

/** Reads, where it has gas for nothing of the kind, memory far beyond what any machine has. */
const MEMORY_BEYOND_ALL = Uint8Array.from([
  ...Array.from({ length: 9 }, () => [0x60, 0x20]).flat(),
  ...[0x84, 0x51, 0xa1, 0x53, 0x60, 0xec, 0x60, 0xd3, 0x06, 0x08, 0x32, 0x84, 0xa0, 0xf4],
]);

/** The library's own step hook allocates what a step asked for before the step has failed for want of gas. */
function unlessLibraryCannotRead(error: unknown): undefined {
  const { cause } = error as Error;
  if (cause instanceof RangeError && cause.message.startsWith("Invalid typed array length")) return;
  throw error;
}

describe("our engine and the library", () => {
  const subjects = new Map<EngineName, Subject>();
  const nonces = wallets.map(() => 0);
  const contracts: Address[] = [];
  let counterAt: Address;

  const own = (): Subject => subjects.get("evm") as Subject;
  const peer = (): Subject => subjects.get("ethereumjs") as Subject;

  async function sign(from: number, fields: TransactionLike): Promise<SignedTransaction> {
    const wallet = wallets[from];
    if (wallet === undefined) throw new Error("no wallet");
    const nonce = nonces[from] ?? 0;
    nonces[from] = nonce + 1;
    return codec.decode(
      fromHex(await wallet.signTransaction({ ...FEES, gasLimit: 400_000n, value: 0n, ...fields, nonce })),
    );
  }

  async function signAction(from: number, what: Action): Promise<SignedTransaction> {
    const contract = (index: number): Address => contracts[index % contracts.length] ?? counterAt;
    switch (what.kind) {
      case "transfer":
        return sign(from, { to: `0x${"00".repeat(19)}4${what.to}`, value: what.value, gasLimit: 21_000n });
      case "create":
        return sign(from, {
          to: null,
          data: `0x${Buffer.from(what.code).toString("hex")}`,
          value: what.value,
        });
      case "add":
        return sign(from, {
          to: counterAt,
          data: counterInterface.encodeFunctionData("add", [what.amount, what.note]),
        });
      case "make":
        return sign(from, { to: counterAt, data: counterInterface.encodeFunctionData("make") });
      case "call":
        return sign(from, {
          to: contract(what.contract),
          data: `0x${Buffer.from(what.data).toString("hex")}`,
          accessList: [{ address: contract(what.contract), storageKeys: [`0x${"00".repeat(32)}`] }],
        });
      case "delegate": {
        const signer = wallets[3];
        if (signer === undefined) throw new Error("no wallet");
        const authorization = signer.authorizeSync({
          address: contract(what.contract),
          nonce: (nonces[3] ?? 0) + (what.badNonce ? 7 : 0),
          chainId: genesis.chainId,
        });
        if (!what.badNonce) nonces[3] = (nonces[3] ?? 0) + 1;
        return sign(from, { type: 4, to: signer.address, authorizationList: [authorization] });
      }
    }
  }

  /** Executes and stores the same block in both; what both say of it is the same. */
  async function both(transactions: readonly SignedTransaction[]): Promise<ExecutedBlock> {
    const run = ({ engine, blocks }: Subject): Promise<ExecutedBlock> => {
      const parent = blocks.head() as BlockHeader;
      return engine.executeBlock({
        parent,
        timestamp: parent.timestamp + 1,
        prevRandao: parent.hash,
        transactions,
      });
    };
    const [ours, theirs] = [await run(own()), await run(peer())];
    expect(ours.receipts).toEqual(theirs.receipts);
    expect(ours.dropped.map(({ hash }) => hash)).toEqual(theirs.dropped.map(({ hash }) => hash));
    expect(ours.deferred.map(({ hash }) => hash)).toEqual(theirs.deferred.map(({ hash }) => hash));
    expect(ours.header).toEqual(theirs.header);
    const trace = ({ engine, blocks }: Subject, options: TraceOptions): Promise<readonly TraceJson[]> =>
      engine.traceBlock(blocks.head() as BlockHeader, ours, undefined, options);
    const faults = (await trace(own(), CALLS)).map((call) => faultsOf(call as TracedCall));
    for (const options of TRACES) {
      const shown = (traces: readonly TraceJson[]): readonly TraceJson[] =>
        traces.filter((_, index) => isShownByBoth(options, faults[index] ?? [])).map(comparable);
      const traced = await trace(own(), options);
      const expected = await trace(peer(), options).catch(unlessLibraryCannotRead);
      if (expected !== undefined) expect(shown(traced)).toEqual(shown(expected));
    }
    await own().blocks.append(ours);
    await peer().blocks.append(theirs);
    return ours;
  }

  beforeAll(async () => {
    for (const name of ENGINES) subjects.set(name, await open(name));
    const block = await both([await sign(0, { to: null, data: counter.bytecode, gasLimit: 2_000_000n })]);
    counterAt = address(block.receipts[0]?.contractAddress ?? "");
  });

  afterAll(async () => {
    for (const subject of subjects.values()) await subject.close();
  });

  it("make the same blocks, receipts and traces of random transactions", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 6 }), async (actions) => {
        const transactions: SignedTransaction[] = [];
        for (const [index, what] of actions.entries()) transactions.push(await signAction(index % 3, what));
        const block = await both(transactions);
        for (const receipt of block.receipts)
          if (receipt.contractAddress !== null && receipt.succeeded) contracts.push(receipt.contractAddress);
      }),
      // Nothing is undone between runs, so that a smaller case would not be the same case.
      {
        examples: [[[{ kind: "create", code: MEMORY_BEYOND_ALL, value: 0n }]]],
        numRuns: Number(process.env["ENGINE_DIFFERENCE_RUNS"] ?? 40),
        endOnFailure: true,
      },
    );
  });

  it("answer calls the same", async () => {
    const call = (fields: Partial<CallRequest>): CallRequest => ({
      from: address(wallets[0]?.address ?? ""),
      to: counterAt,
      data: new Uint8Array(0),
      value: 0n,
      gasLimit: 300_000n,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      accessList: [],
      authorizationList: [],
      ...fields,
    });
    const data = (name: string, ...args: unknown[]): Uint8Array =>
      fromHex(counterInterface.encodeFunctionData(name, args));
    const requests = [
      call({}),
      call({ data: data("count") }),
      call({ data: data("add", 7, "x") }),
      call({ data: data("add", 13, "x") }),
      call({ data: data("overflow", 0) }),
      call({ data: data("make") }),
      call({ data: data("spin") }),
      call({ data: data("add", 7, "x"), maxFeePerGas: 10n ** 10n }),
      call({ to: null, data: Uint8Array.of(0xfe) }),
      call({ to: null, data: Uint8Array.of(0x5f, 0x56) }),
      call({ to: null, data: Uint8Array.of(0x01) }),
      call({ to: null, data: Uint8Array.of(0x60, 0xef, 0x5f, 0x53, 0x60, 0x01, 0x5f, 0xf3) }),
      call({ value: 10n ** 30n }),
      call({ gasLimit: 20_000n }),
      call({ maxFeePerGas: 1n }),
      call({ to: null, data: new Uint8Array(49_153), gasLimit: 10_000_000n }),
    ];
    for (const request of requests) {
      const answer = async ({ engine, blocks }: Subject): Promise<unknown> => {
        const header = blocks.head() as BlockHeader;
        const state = { root: header.stateRoot, overlays: [] };
        try {
          return await engine.call(state, header, request);
        } catch (error) {
          return error instanceof Error ? error.message : error;
        }
      };
      expect(await answer(own())).toEqual(await answer(peer()));
    }
  });
});
