import { ManualClock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { eventually } from "@aios/testkit/eventually";
import { beforeEach, describe, expect, it } from "vitest";
import type { TransactionOpener } from "../../domain/honor-ports.js";
import { TransactionPool } from "../../domain/mempool.js";
import type { BlockInput, DroppedTransaction } from "../../domain/ports.js";
import type { SignedTransaction } from "../../domain/transaction.js";
import { defaultNodeSettings } from "../../node/node-settings.js";
import { ChainEvents } from "../chain-events.js";
import { HonorProducer, type HonorProducerParts, type HonorProtocol } from "./honor-producer.js";
import { orderedOf } from "./ordered-transaction.js";

const SENDER = `0x${"11".repeat(20)}` as Address;
const RICH = { balance: 10n ** 30n, hasContractCode: false };

function transaction(nonce: number, serial = nonce): SignedTransaction {
  return {
    hash: `0x${(0xf00 + serial).toString(16).padStart(64, "0")}` as Bytes32,
    type: 2,
    sender: SENDER,
    nonce: BigInt(nonce),
    to: null,
    value: 0n,
    gasLimit: 21_000n,
    data: new Uint8Array(0),
    maxFeePerGas: 10n ** 10n * BigInt(1 + serial),
    maxPriorityFeePerGas: 10n ** 9n * BigInt(1 + serial),
    maxFeePerBlobGas: 0n,
    blobVersionedHashes: [],
    chainId: 1n,
    accessList: [],
    authorizationList: [],
    minimumGas: 21_000n,
    signature: { v: 0n, r: 1n, s: 1n },
    raw: new Uint8Array(100),
  };
}

describe("what an honor node hands over to the protocol", () => {
  const events = new ChainEvents((error) => {
    throw error;
  });
  let clock: ManualClock;
  let pool: TransactionPool;
  let producer: HonorProducer<HonorProtocol>;
  let pooled: string[];
  let dropped: string[];
  /** What the protocol has. */
  let held: Set<string>;
  let height: number;
  /** What the engine was given, and what left the mempool as dropped. */
  let inputs: BlockInput[];
  let gone: DroppedTransaction[];
  /** Nonces of what was decoded, and below which they are in blocks. */
  let decoded: number[];
  let usedBelow: number;
  let opener: TransactionOpener;
  let result: Pick<
    Awaited<ReturnType<HonorProducerParts<HonorProtocol>["engine"]["executeBlock"]>>,
    "transactions" | "dropped" | "deferred"
  >;

  const header = () => ({
    number: height,
    timestamp: 0,
    baseFeePerGas: 10n ** 9n,
    gasUsed: 0n,
    gasLimit: 3n * 10n ** 7n,
    stateRoot: "0x00",
  });
  const id = (one: SignedTransaction): string => one.hash.slice(2);

  beforeEach(async () => {
    clock = new ManualClock();
    pool = new TransactionPool(defaultNodeSettings);
    [pooled, dropped, held, height, inputs, gone] = [[], [], new Set(), 0, [], []];
    [decoded, usedBelow] = [[], 0];
    opener = { open: async (_, ordered) => ordered.map(({ nonce }) => transaction(nonce)) };
    const parts = {
      genesis: { minimumBaseFeePerGas: 1n },
      candidates: { at: () => [] },
      engine: {
        executeBlock: async (input: BlockInput) => {
          inputs.push(input);
          return { ...result, header: { ...header(), number: height + 1 } };
        },
      },
      opener: { open: (...given: Parameters<TransactionOpener["open"]>) => opener.open(...given) },
      beacon: { valueAfter: async ({ number }: { number: number }) => `0x${number}b` as Bytes32 },
      blocks: {
        head: header,
        placeOf: () => undefined,
        append: async () => {
          height += 1;
        },
      },
      states: { snapshot: () => ({ account: () => undefined, [Symbol.dispose]: () => undefined }) },
      mempool: {
        pool,
        hasUsed: (_: string, nonce: number) => nonce < usedBelow,
        takeOver: (one: SignedTransaction) => {
          admit(one);
          return true;
        },
        settle: async (
          { transactions }: { transactions: SignedTransaction[] },
          left: DroppedTransaction[],
        ) => {
          gone.push(...left);
          const nonce = (transactions.at(-1)?.nonce ?? -1n) + 1n;
          pool.afterBlock(transactions, left, () => ({ ...RICH, nonce }));
        },
      },
      events,
      clock,
      observer: {
        produced: () => undefined,
        failed: (error: unknown) => {
          throw error;
        },
        offence: () => undefined,
        refused: () => undefined,
      },
      signedOf: ({ nonce }: { nonce: number }) => {
        decoded.push(nonce);
        return transaction(nonce);
      },
      open: (): HonorProtocol => ({
        ready: async () => 1,
        pooled: (transactions) => {
          pooled.push(...transactions.map((one) => one.id));
          for (const one of transactions) held.add(one.id);
        },
        dropped: (ids) => {
          dropped.push(...ids);
          for (const one of ids) held.delete(one);
        },
        executed: () => undefined,
        stop: async () => undefined,
      }),
    };
    producer = new HonorProducer(parts as unknown as HonorProducerParts<HonorProtocol>);
    await producer.start();
  });

  function admit(one: SignedTransaction): void {
    pool.add(one, { ...RICH, nonce: BigInt(usedBelow) }, { nowMs: 0, blockGasLimit: 30_000_000n });
    events.emit("admitted", one);
    producer.wake();
  }

  async function fed(): Promise<string[]> {
    clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
    return pooled.splice(0).sort();
  }

  async function ordered(
    block: Partial<typeof result>,
    order: readonly SignedTransaction[] = [],
  ): Promise<void> {
    result = { transactions: [], dropped: [], deferred: [], ...block };
    const before = height;
    producer.execute({ height: before + 1, timestamp: 1, transactions: order.map(orderedOf) });
    await eventually(() => expect(height).toBe(before + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }

  it("is each transaction once, in nonce order without gaps, and what a gap kept back once it is closed", async () => {
    const [first, second, third] = [transaction(0), transaction(1), transaction(2)];
    admit(first);
    expect(await fed()).toEqual([id(first)]);
    admit(third);
    expect(await fed()).toEqual([]);
    admit(second);
    expect(await fed()).toEqual([id(second), id(third)]);
  });

  it("is found without a look at what the sender handed over before, until a block changes what can run", async () => {
    let looks = 0;
    const watched = (nonce: number): SignedTransaction => {
      const { maxFeePerGas, ...rest } = transaction(nonce);
      return {
        ...rest,
        get maxFeePerGas() {
          looks += 1;
          return maxFeePerGas;
        },
      };
    };
    await fed();
    for (let nonce = 0; nonce < 20; nonce++) admit(watched(nonce));
    expect(await fed()).toHaveLength(20);
    looks = 0;
    admit(transaction(20));
    expect(await fed()).toEqual([id(transaction(20))]);
    // The pool itself looks at the last one.
    expect(looks).toBeLessThanOrEqual(1);
    await ordered({ transactions: [transaction(0)], deferred: [transaction(1)] });
    expect(await fed()).toEqual([id(transaction(1))]);
    expect(looks).toBeGreaterThan(0);
  });

  it("is of peers what is not here yet and in no block, which is not decoded to find that out", async () => {
    usedBelow = 1;
    const [used, first, second] = [0, 1, 2].map((nonce) => transaction(nonce)) as [
      SignedTransaction,
      SignedTransaction,
      SignedTransaction,
    ];
    admit(first);
    producer.gossiped([used, first, second].map(orderedOf));
    expect(decoded).toEqual([2]);
    expect(await fed()).toEqual([id(first), id(second)].sort());
  });

  it("is again what a block had no room for, and what the protocol had none for", async () => {
    const [first, second] = [transaction(0), transaction(1)];
    admit(first);
    admit(second);
    await fed();
    await ordered({ transactions: [first], deferred: [second] });
    expect(await fed()).toEqual([id(second)]);
    producer.rejected([id(second)]);
    await ordered({});
    expect(await fed()).toEqual([id(second)]);
  });

  it("takes back what was replaced, and nothing that a block holds", async () => {
    const [first, second, replacement] = [transaction(0), transaction(1), transaction(1, 9)];
    admit(first);
    admit(second);
    await fed();
    admit(replacement);
    expect(await fed()).toEqual([id(replacement)]);
    expect(dropped).toEqual([id(second)]);
    await ordered({ transactions: [first, replacement] });
    await fed();
    expect(dropped).toEqual([id(second)]);
  });

  it("stays with it where a transaction left the mempool and came back before it was told", async () => {
    const [one, replacement] = [transaction(0), transaction(0, 9)];
    admit(one);
    await fed();
    admit(replacement);
    pool.withdraw(replacement.hash, { code: "not-kept", reason: "" });
    admit(one);
    expect(await fed()).toEqual([id(one)]);
    expect([...held]).toEqual([id(one)]);
  });

  it("is run as the opener opens it, with the beacon's randomness, and dropped by name where it stays closed", async () => {
    const [first, second, third] = [transaction(0), transaction(1), transaction(2)];
    let letGo = (): void => undefined;
    const opening = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    opener = {
      open: async (_, order) => {
        await opening;
        return order.map(({ nonce }) =>
          nonce === 1
            ? new CodedError({ code: "stays-closed", kind: "invalid", message: "nobody can open it" })
            : transaction(nonce, nonce + 100),
        );
      },
    };
    const done = ordered({}, [first, second, third]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(inputs).toEqual([]);
    letGo();
    await done;
    expect(inputs).toMatchObject([
      { prevRandao: "0x0b", transactions: [transaction(0, 100), transaction(2, 102)] },
    ]);
    expect(gone).toEqual([{ hash: second.hash, code: "stays-closed", reason: "nobody can open it" }]);
    await ordered({});
    expect(inputs[1]).toMatchObject({ prevRandao: "0x1b", transactions: [] });
  });

  it("holds up no stop while nobody opens it", async () => {
    let asked: AbortSignal | undefined;
    opener = {
      open: (_height, _ordered, signal) =>
        new Promise((_, reject) => {
          asked = signal;
          signal?.addEventListener("abort", () => reject(signal.reason as Error));
        }),
    };
    producer.execute({ height: 1, timestamp: 1, transactions: [orderedOf(transaction(0))] });
    await eventually(() => expect(asked).toBeDefined());
    await producer.stop();
    expect(asked?.aborted).toBe(true);
    expect([height, inputs, producer.failures]).toEqual([0, [], 0]);
  });
});
