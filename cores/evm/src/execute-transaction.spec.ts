import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressOf, BLOCK, type MemoryAccount, memoryState } from "../test/memory-state.js";
import { ExecutionContext, FramePool } from "./context.js";
import { executeTransaction } from "./execute-transaction.js";
import type { Hardfork } from "./hardfork.js";
import { opcodeName } from "./opcode-table.js";
import { rulesOf } from "./rules.js";
import type { Tracer } from "./tracer.js";
import type { EvmTransaction } from "./transaction.js";
import { WorldState } from "./world-state.js";

const SENDER = addressOf(1);
const TARGET = addressOf(2);
const ETHER = 10n ** 18n;
const code = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

function setup(target: MemoryAccount, hardfork: Hardfork = "osaka", tracer?: Tracer) {
  const reader = memoryState([
    [SENDER, { balance: ETHER }],
    [TARGET, target],
  ]);
  const state = new WorldState(reader);
  const context = new ExecutionContext(state, rulesOf({ hardfork, chainId: 1n }), BLOCK, new FramePool());
  context.tracer = tracer;
  return { state, context };
}

const transaction = (fields: Partial<EvmTransaction> = {}): EvmTransaction => ({
  type: 2,
  from: SENDER,
  to: TARGET,
  nonce: 0n,
  gasLimit: 100_000n,
  value: 0n,
  data: new Uint8Array(0),
  maxFeePerGas: 10n,
  maxPriorityFeePerGas: 1n,
  accessList: [],
  ...fields,
});

describe("a transfer to an account without code", () => {
  const accounts = fc.constantFrom(SENDER, TARGET, addressOf(3), BLOCK.coinbase, addressOf(0xfe));
  const transfer = fc.record({
    to: accounts,
    value: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: ETHER / 8n })),
    gasLimit: fc.bigInt({ min: 25_000n, max: 200_000n }),
    data: fc.uint8Array({ maxLength: 40 }),
    maxFeePerGas: fc.bigInt({ min: 7n, max: 10n ** 9n }),
    tip: fc.bigInt({ min: 0n, max: 20n }),
    type: fc.constantFrom(0 as const, 2 as const),
  });

  it("does in one step what it does as a call that is followed, on every fork", () => {
    const run = (
      fork: Hardfork,
      held: bigint,
      all: readonly Omit<EvmTransaction, "from" | "nonce" | "accessList">[],
      tracer?: Tracer,
    ) => {
      const { state, context } = setup({ balance: held }, fork, tracer);
      const outcomes = all.map((fields, nonce) => {
        try {
          return executeTransaction(context, transaction({ ...fields, nonce: BigInt(nonce) }));
        } catch (error) {
          return (error as { readonly code: string }).code;
        }
      });
      return { outcomes, changes: state.changes() };
    };
    fc.assert(
      fc.property(
        fc.constantFrom<Hardfork>("berlin", "london", "shanghai", "prague", "osaka"),
        fc.constantFrom(0n, 5n),
        fc.array(transfer, { minLength: 1, maxLength: 5 }),
        (fork, held, transfers) => {
          const all = transfers.map(({ tip, ...fields }) => ({
            ...fields,
            type: fork === "berlin" ? (0 as const) : fields.type,
            maxPriorityFeePerGas: fields.type === 0 || fork === "berlin" ? fields.maxFeePerGas : tip,
          }));
          // A tracer that hears nothing takes the general way.
          expect(run(fork, held, all)).toStrictEqual(run(fork, held, all, {}));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("executeTransaction", () => {
  it("moves value, burns the base fee and pays the tip", () => {
    const { state, context } = setup({ balance: 5n });
    const result = executeTransaction(context, transaction({ value: 100n }));
    expect(result).toMatchObject({ status: "succeeded", gasUsed: 21_000n, effectiveGasPrice: 8n });
    expect(state.accountAt(SENDER)).toMatchObject({ nonce: 1n, balance: ETHER - 100n - 21_000n * 8n });
    expect(state.accountAt(TARGET).balance).toBe(105n);
    expect(state.accountAt(BLOCK.coinbase).balance).toBe(21_000n);
  });

  it("undoes what a reverted call did, and keeps the fee", () => {
    // SSTORE(0, 1), then REVERT(0, 0)
    const { state, context } = setup({ code: code("60015f555f5ffd") });
    const result = executeTransaction(context, transaction({ value: 3n }));
    // 21,000, PUSH1, PUSH0 three times, and a cold slot set from zero.
    expect(result).toMatchObject({ status: "reverted", gasUsed: 21_000n + 3n + 6n + 22_100n });
    expect(state.accountAt(TARGET).balance).toBe(0n);
    expect(state.changes().accounts.flatMap((change) => (change.deleted ? [] : change.slots))).toEqual([]);
  });

  it("takes all gas of a halted call", () => {
    const { context } = setup({ code: code("fe") });
    expect(executeTransaction(context, transaction())).toMatchObject({
      status: "halted",
      halt: "invalid opcode",
      gasUsed: 100_000n,
    });
  });

  it("names each reason for which a transaction may not run, and changes nothing", () => {
    const { state, context } = setup({});
    const refused: [Partial<EvmTransaction>, string][] = [
      [{ nonce: 1n }, "nonce-too-high"],
      [{ gasLimit: 20_999n }, "intrinsic-gas-too-low"],
      [{ gasLimit: 16_777_217n }, "gas-limit-over-cap"],
      [{ maxFeePerGas: 6n }, "fee-below-base-fee"],
      [{ maxPriorityFeePerGas: 11n }, "tip-above-fee-cap"],
      [{ value: ETHER }, "insufficient-funds"],
      [{ to: undefined, data: new Uint8Array(49_153), gasLimit: 10_000_000n }, "init-code-too-large"],
      [{ type: 3, blobHashes: [], maxFeePerBlobGas: 1n }, "blob-count"],
      [{ type: 4, authorizations: [] }, "authorization-list-empty"],
    ];
    for (const [fields, reason] of refused)
      expect(() => executeTransaction(context, transaction(fields))).toThrowError(
        expect.objectContaining({ code: reason }),
      );
    expect(state.changes().accounts).toEqual([]);
  });

  it("knows an instruction only from its fork on", () => {
    // CLZ(1)
    const clz = code("60011e00");
    expect(executeTransaction(setup({ code: clz }, "prague").context, transaction()).status).toBe("halted");
    expect(executeTransaction(setup({ code: clz }, "osaka").context, transaction()).status).toBe("succeeded");
  });

  it("tells a tracer every step with its cost", () => {
    const steps: [string, number][] = [];
    const tracer: Tracer = {
      onStepEnd: (_frame, opcode, cost) => void steps.push([opcodeName(opcode), cost]),
    };
    executeTransaction(setup({ code: code("60205f5200") }, "osaka", tracer).context, transaction());
    expect(steps).toEqual([
      ["PUSH1", 3],
      ["PUSH0", 2],
      ["MSTORE", 6],
      ["STOP", 0],
    ]);
  });

  it("tells a tracer what an instruction asked for that could not be paid", () => {
    const faults: unknown[] = [];
    const tracer: Tracer = {
      onFault: (_frame, opcode, cost) => faults.push([opcodeName(opcode), cost]),
    };
    // SSTORE of a cold slot from zero, then ADD on an empty stack.
    for (const [hex, gasLimit] of [
      ["60015f55", 25_000n],
      ["01", 100_000n],
    ] as const)
      executeTransaction(setup({ code: code(hex) }, "osaka", tracer).context, transaction({ gasLimit }));
    expect(faults).toEqual([
      ["SSTORE", 22_100],
      ["ADD", 3],
    ]);
  });

  it("lets a precompiled contract answer elsewhere, and its own address run code, where that is asked for", () => {
    const { state, context } = setup({});
    const target = state.accountAt(TARGET);
    const identity = context.rules.precompiles.get(4);
    context.precompileOverrides = new Map([[target, identity]]);
    const data = code("c0ffee");
    expect(executeTransaction(context, transaction({ data })).output).toEqual(data);
    context.precompileOverrides = new Map([[target, undefined]]);
    expect(executeTransaction(context, transaction({ data, nonce: 1n })).output).toEqual(code(""));
  });
});
