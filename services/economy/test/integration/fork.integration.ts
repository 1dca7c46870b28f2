import { ManualClock } from "@aios/kernel/clock";
import { address } from "@aios/kernel/identifiers";
import { createMessagingSchema } from "@aios/service-kit/messaging-schema";
import { applyMigrations } from "@aios/service-kit/migrate";
import { createPool, type PostgresPool } from "@aios/service-kit/postgres-pool";
import { startPostgres, type TestPostgres } from "@aios/testkit/postgres";
import { PrismaPg } from "@prisma/adapter-pg";
import { keccak256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PrismaClient } from "../../generated/prisma/client.js";
import { PrismaIndexStore } from "../../src/adapters/prisma/prisma-index.store.js";
import { PrismaTransactionStore } from "../../src/adapters/prisma/prisma-transaction.store.js";
import { ChainFollower } from "../../src/application/follow-chain.js";
import { TransactionFeed } from "../../src/application/transaction-feed.js";
import { SimulatedChain, SimulatedContracts } from "../support/simulated-chain.js";

const ACCOUNT = address(`0x${"22".repeat(20)}`);
const MIGRATIONS = new URL("../../prisma/migrations/", import.meta.url);

interface Index {
  readonly prisma: PrismaClient;
  readonly pool: PostgresPool;
  readonly transactions: PrismaTransactionStore;
  readonly undone: bigint[];
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

describe("an index on a chain that goes another way", () => {
  let postgres: TestPostgres;
  const open: Index[] = [];

  beforeAll(async () => {
    postgres = await startPostgres();
  });

  afterAll(async () => {
    for (const index of open) await index.close();
    await postgres?.stop();
  });

  async function newDatabase(): Promise<string> {
    const url = await postgres.createDatabase();
    await applyMigrations(MIGRATIONS, url);
    return url;
  }

  /** `crashPoint` throws where the process would die: nothing of the round runs after it. */
  async function openIndex(
    chain: SimulatedChain,
    crashPoint: (name: string) => void = () => undefined,
    database?: string,
  ): Promise<Index> {
    const url = database ?? (await newDatabase());
    const pool = createPool({ url, max: 2, applicationName: "test" });
    await createMessagingSchema(pool);
    const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
    const store = new PrismaIndexStore(prisma);
    await store.bind(await chain.identity());
    const undone: bigint[] = [];
    const follower = new ChainFollower(
      chain,
      new SimulatedContracts(),
      () => ACCOUNT,
      store,
      new TransactionFeed(),
      new ManualClock(),
      {
        progressed: () => undefined,
        undone: (block) => undone.push(block.number),
        problem: (_message, error) => {
          throw error;
        },
        crashPoint,
      },
      () => undefined,
      1_000,
    );
    const index: Index = {
      prisma,
      pool,
      transactions: new PrismaTransactionStore(prisma),
      undone,
      catchUp: () => follower.catchUp(),
      close: async () => {
        await prisma.$disconnect();
        await pool.end();
      },
    };
    open.push(index);
    return index;
  }

  const contents = async ({ prisma }: Index) => ({
    blocks: await prisma.indexedBlock.findMany({ orderBy: { number: "asc" } }),
    events: await prisma.contractEvent.findMany({ orderBy: [{ blockNumber: "asc" }, { logIndex: "asc" }] }),
  });

  it("holds in the end exactly what the surviving chain holds, whatever came between", async () => {
    const fork = fc.record({
      depth: fc.nat({ max: 4 }),
      salt: fc.nat({ max: 3 }),
      blocks: fc.array(fc.array(fc.nat({ max: 1_000 }), { maxLength: 2 }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fork, { minLength: 1, maxLength: 5 }), async (forks) => {
        const chain = new SimulatedChain();
        const index = await openIndex(chain);
        let serial = 0;
        for (const { depth, salt, blocks } of forks) {
          const height = Math.max(0, chain.height - depth);
          const transactions = blocks.map((block) =>
            block.map((value) => keccak256(toUtf8Bytes(`${value}-${serial++}`))),
          );
          chain.fork(height, salt, transactions);
          await index.catchUp();
        }
        const direct = await openIndex(chain);
        await direct.catchUp();
        expect(await contents(index)).toEqual(await contents(direct));
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }, 120_000);

  it("sends a transaction of ours back to sent when its block goes, and to final with its new block", async () => {
    const chain = new SimulatedChain();
    const index = await openIndex(chain);
    const hash = keccak256(toUtf8Bytes("ours"));
    const request = {
      caller: "scoring",
      idempotencyKey: "one",
      tenant: "service:scoring",
      signer: "anchor",
      contract: "ReceiptRegistry",
      to: ACCOUNT,
      data: new Uint8Array(4),
      valueWei: 0n,
      purpose: "anchor-receipts",
      subject: "job:1",
      lane: "money",
      traceparent: "",
    } as const;
    const { id } = await index.transactions.enqueue(request, 0);
    await index.transactions.openSigner("anchor", ACCOUNT, 0n);
    const fees = { maxFeePerGasWei: 1n, maxPriorityFeePerGasWei: 1n };
    await index.transactions.assign(
      "anchor",
      [{ transactionId: id, gasLimit: 21_000n, fees }],
      () => ({ hash, raw: new Uint8Array(1) }),
      0,
    );
    const state = async () => (await index.transactions.find(id)).state;
    chain.fork(0, 1, [[hash], []]);
    await index.catchUp();
    expect(await state()).toBe("mined");
    chain.fork(0, 2, [[], []]);
    await index.catchUp();
    expect(await state()).toBe("sent");
    expect(index.undone).toEqual([2n, 1n]);
    chain.fork(2, 3, [[hash]]);
    chain.finalized = 3n;
    await index.catchUp();
    expect(await state()).toBe("final");
    const ended = await index.pool.query(
      "SELECT 1 FROM messaging.outbox WHERE topic = 'economy.v1.transaction.ended'",
    );
    expect(ended.rowCount).toBe(1);
  });

  it.each(["economy.undo.before-store", "economy.undo.after-store"])(
    "takes every block back once, also when the process dies at %s of the first",
    async (point) => {
      const chain = new SimulatedChain();
      const database = await newDatabase();
      const dying = await openIndex(
        chain,
        (name) => {
          if (name === point) throw new Error(`died at ${name}`);
        },
        database,
      );
      chain.fork(0, 1, [[keccak256(toUtf8Bytes("one"))], [keccak256(toUtf8Bytes("two"))]]);
      await dying.catchUp();
      chain.fork(0, 2, [[keccak256(toUtf8Bytes("other"))], [], []]);
      await expect(dying.catchUp()).rejects.toThrow(`died at ${point}`);
      const next = await openIndex(chain, undefined, database);
      await next.catchUp();
      const direct = await openIndex(chain);
      await direct.catchUp();
      expect(await contents(next)).toEqual(await contents(direct));
    },
  );

  it("refuses to undo what was final, and another chain's database", async () => {
    const chain = new SimulatedChain();
    const index = await openIndex(chain);
    chain.fork(0, 1, [[], []]);
    chain.finalized = 2n;
    await index.catchUp();
    chain.fork(0, 2, [[], [], []]);
    await expect(index.catchUp()).rejects.toMatchObject({ code: "chain-replaced" });
    const store = new PrismaIndexStore(index.prisma);
    await expect(store.bind({ chainId: 1n, genesisHash: "0xother" })).rejects.toMatchObject({
      code: "chain-replaced",
    });
  });
});
