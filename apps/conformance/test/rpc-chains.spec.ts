import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEthereumNode } from "@aios/conformance/ethereum/ethereum-node";
import { rpcSuite } from "@aios/conformance/suites/rpc";
import { bytesToHex } from "@ethereumjs/util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PeerBlock, PeerChain, SENDER } from "./support/peer-chain.js";
import {
  BEACON_ROOTS,
  CONSOLIDATION_REQUESTS,
  DEPOSITS,
  depositEvent,
  HISTORY,
  WITHDRAWAL_REQUESTS,
} from "./support/request-contracts.js";

const COUNTER = `0x${"cc".repeat(20)}`;
const OTHER = `0x${"0f".repeat(20)}`;
const NONE = `0x${"00".repeat(32)}`;
/** Adds one to slot 0, keeps the number of the block and what stands for the parent's randomness. */
const COUNTER_CODE = "0x600054600101600055436001554460025500";
const WORK = 131_072n;

const blockForks = {
  homesteadBlock: 0,
  eip150Block: 0,
  eip155Block: 0,
  eip158Block: 0,
  byzantiumBlock: 0,
  constantinopleBlock: 0,
  petersburgBlock: 0,
  istanbulBlock: 0,
  muirGlacierBlock: 0,
  berlinBlock: 0,
};
const london = { ...blockForks, londonBlock: 0, arrowGlacierBlock: 0, grayGlacierBlock: 0 };
const merged = { ...london, mergeNetsplitBlock: 0, terminalTotalDifficulty: 0 };
const cancun = { ...merged, shanghaiTime: 0, cancunTime: 0 };
const CANCUN_BLOBS = { target: 3, max: 6, baseFeeUpdateFraction: 3_338_477 };
const PRAGUE_BLOBS = { target: 6, max: 9, baseFeeUpdateFraction: 5_007_716 };

function genesisOf(config: object, fields: object = {}): Record<string, unknown> {
  return {
    config: { chainId: 7_001, ...config },
    nonce: "0x42",
    timestamp: "0x0",
    extraData: "0x61696f73",
    gasLimit: "0x1c9c380",
    difficulty: "0x0",
    mixHash: NONE,
    coinbase: `0x${"00".repeat(20)}`,
    baseFeePerGas: "0x3b9aca00",
    alloc: {
      [SENDER]: { balance: "1000000000000000000000" },
      [COUNTER]: {
        balance: "0x0",
        nonce: "0x1",
        code: COUNTER_CODE,
        storage: { "0x00": "0x05", [`0x${"07".repeat(32)}`]: "0x01", "0x03": "0x00" },
      },
      ...Object.fromEntries(
        [WITHDRAWAL_REQUESTS, CONSOLIDATION_REQUESTS, HISTORY, BEACON_ROOTS, DEPOSITS].map(
          ({ address, code }) => [address.slice(2).toUpperCase(), { balance: "0x1", code }],
        ),
      ),
    },
    ...fields,
  };
}

interface Case {
  readonly name: string;
  readonly genesis: Record<string, unknown>;
  readonly genesisFork: string;
  readonly blocks: readonly PeerBlock[];
}

const count = { to: COUNTER };
const pay = { to: OTHER, value: 1_000n };
const withdrawals = [{ index: 3, address: OTHER, amount: 25 }];
const requests = [
  { to: DEPOSITS.address, data: depositEvent(1) },
  { to: WITHDRAWAL_REQUESTS.address, data: new Uint8Array(56).fill(0x77), value: 1n },
  { to: DEPOSITS.address, data: depositEvent(0x21) },
  { to: CONSOLIDATION_REQUESTS.address, data: new Uint8Array(96).fill(0x72), value: 1n },
];
const pos = { nonce: "0x0" };

const CASES: readonly Case[] = [
  {
    name: "Berlin, and comes to London by work",
    genesis: genesisOf(
      { ...blockForks, londonBlock: 2 },
      { difficulty: "0x20000", baseFeePerGas: undefined },
    ),
    genesisFork: "berlin",
    blocks: [
      { fork: "berlin", timestamp: 10, calls: [count], difficulty: WORK },
      { fork: "london", timestamp: 20, calls: [count, pay], difficulty: WORK },
    ],
  },
  {
    name: "London and work, and merges later",
    genesis: genesisOf(
      { ...london, terminalTotalDifficulty: 393_216, shanghaiTime: 40, cancunTime: 50 },
      { difficulty: "0x20000" },
    ),
    genesisFork: "london",
    blocks: [
      { fork: "london", timestamp: 10, calls: [count, pay], difficulty: WORK },
      { fork: "london", timestamp: 20, calls: [count], difficulty: WORK },
      { fork: "paris", timestamp: 30, calls: [count] },
      { fork: "shanghai", timestamp: 40, calls: [count], withdrawals },
      { fork: "cancun", timestamp: 50, calls: [count] },
    ],
  },
  {
    name: "Shanghai",
    genesis: genesisOf({ ...merged, shanghaiTime: 0 }, pos),
    genesisFork: "shanghai",
    blocks: [{ fork: "shanghai", timestamp: 12, calls: [count], withdrawals }],
  },
  {
    name: "Cancun, from a file that names no blob schedule",
    genesis: genesisOf(cancun, { ...pos, excessBlobGas: "0x80000", blobGasUsed: "0x20000" }),
    genesisFork: "cancun",
    blocks: [
      { fork: "cancun", timestamp: 12, calls: [count, pay], withdrawals },
      { fork: "cancun", timestamp: 24, calls: [] },
    ],
  },
  {
    name: "Prague, with requests of all types",
    genesis: genesisOf(
      {
        ...cancun,
        pragueTime: 0,
        depositContractAddress: DEPOSITS.address,
        blobSchedule: { prague: PRAGUE_BLOBS, cancun: CANCUN_BLOBS },
      },
      pos,
    ),
    genesisFork: "prague",
    blocks: [
      { fork: "prague", timestamp: 12, calls: [count, ...requests], withdrawals },
      { fork: "prague", timestamp: 24, calls: [pay, ...requests.slice(0, 1)] },
      { fork: "prague", timestamp: 36, calls: [] },
    ],
  },
  {
    name: "Osaka, with more blobs later",
    genesis: genesisOf(
      {
        ...cancun,
        pragueTime: 0,
        osakaTime: 0,
        bpo1Time: 20,
        depositContractAddress: DEPOSITS.address,
        blobSchedule: {
          bpo1: { target: 10, max: 15, baseFeeUpdateFraction: 8_346_193 },
          osaka: PRAGUE_BLOBS,
          prague: PRAGUE_BLOBS,
          cancun: CANCUN_BLOBS,
        },
      },
      { ...pos, excessBlobGas: "0x1000000" },
    ),
    genesisFork: "osaka",
    blocks: [
      { fork: "osaka", timestamp: 12, calls: [count, ...requests] },
      { fork: "bpo1", timestamp: 24, calls: [count], withdrawals },
    ],
  },
];

type Ask = (method: string, ...params: unknown[]) => Promise<unknown>;

describe("the suite rpc on chains that another client made", () => {
  let root: string;
  const folder = (name: string): string => join(root, name.replaceAll(/\W+/g, "-"));
  const build = async ({ genesis, genesisFork, blocks }: Case): Promise<PeerChain> => {
    const chain = await PeerChain.create(genesis, genesisFork);
    for (const block of blocks) await chain.add(block);
    return chain;
  };
  const open = async (path: string): Promise<Ask> => {
    const node = await openEthereumNode(path);
    return async (method, ...params) => {
      const answer = await node.handle(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
      const reply = JSON.parse(answer ?? "{}") as { result?: unknown; error?: { message: string } };
      if (reply.error !== undefined) throw new Error(reply.error.message);
      return reply.result;
    };
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "aios-rpc-chains-"));
  });

  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it.each(CASES)("begins with $name", async (made) => {
    const chain = await build(made);
    const ask = await open(await chain.write(folder(made.name)));
    const hashOf = async (tag: string): Promise<unknown> =>
      ((await ask("eth_getBlockByNumber", tag, false)) as { readonly hash: string }).hash;
    expect(await hashOf("earliest")).toBe(bytesToHex(chain.genesis.hash()));
    expect(await hashOf("latest")).toBe(bytesToHex(chain.head.hash()));
    for (const address of [SENDER, OTHER, COUNTER, `0x${"c0".repeat(20)}`, DEPOSITS.address])
      expect(await ask("eth_getBalance", address, "latest")).toBe(
        `0x${(await chain.balance(address)).toString(16)}`,
      );
    for (const slot of [0, 1, 2, 3])
      expect(BigInt((await ask("eth_getStorageAt", COUNTER, `0x${slot}`, "latest")) as string)).toBe(
        await chain.storage(COUNTER, slot),
      );
    const raw = (await ask("debug_getRawBlock", "latest")) as string;
    expect(raw).toBe(bytesToHex(chain.head.serialize()));
    const { size } = (await ask("eth_getBlockByNumber", "latest", false)) as { readonly size: string };
    expect(Number(size)).toBe(chain.head.serialize().length);
    expect(await ask("eth_call", { to: COUNTER }, "latest")).toBe("0x");
    const pending = (await ask("eth_getBlockByNumber", "pending", false)) as Record<string, unknown>;
    const latest = (await ask("eth_getBlockByNumber", "latest", false)) as Record<string, unknown>;
    expect(Object.keys(pending).sort()).toEqual(Object.keys(latest).sort());
  });

  it("knows the configuration of a chain whose forks all hold at genesis", async () => {
    const [prague] = CASES.filter(({ name }) => name.startsWith("Prague"));
    const chain = await build(prague as Case);
    const ask = await open(await chain.write(folder("configuration")));
    expect(await ask("eth_config")).toMatchObject({
      current: {
        activationTime: 0,
        blobSchedule: PRAGUE_BLOBS,
        systemContracts: { DEPOSIT_CONTRACT_ADDRESS: DEPOSITS.address },
      },
      next: null,
      last: null,
    });
  });

  it("answers safe and finalized as the consensus layer has set them", async () => {
    const [made] = CASES.filter(({ name }) => name.startsWith("Cancun"));
    const chain = await build(made as Case);
    const path = folder("tags");
    const first = bytesToHex((chain.blocks[1] as (typeof chain.blocks)[number]).hash());
    const ask = await open(await chain.write(path, { safe: first, finalized: NONE }));
    expect(await ask("eth_getBlockByNumber", "safe", false)).toMatchObject({ hash: first, number: "0x1" });
    expect(await ask("eth_getBlockByNumber", "finalized", false)).toBeNull();
  });

  it("replays files of requests, and shows the first difference", async () => {
    const [made] = CASES.filter(({ name }) => name.startsWith("Shanghai"));
    const chain = await build(made as Case);
    const path = await chain.write(folder("replay"));
    await mkdir(join(path, "eth_getBalance"));
    const file = join(path, "eth_getBalance", "of-other.io");
    const exchange = (result: string): string =>
      `>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["${OTHER}","latest"]}\n<< {"jsonrpc":"2.0","id":1,"result":"${result}"}\n`;
    const results = async (): Promise<unknown[]> => {
      const out: unknown[] = [];
      for await (const result of rpcSuite.runFile(file)) out.push(result);
      return out;
    };
    await writeFile(file, exchange(`0x${(await chain.balance(OTHER)).toString(16)}`));
    expect(await results()).toEqual([{ name: "of-other", status: "passed" }]);
    await writeFile(file, exchange("0x1"));
    expect(await results()).toMatchObject([{ status: "failed" }]);
  });

  it.each([
    ["a deposit of another layout", { to: DEPOSITS.address, data: depositEvent(1).slice(1) }],
    ["a deposit in another order", { to: DEPOSITS.address, data: swapped(depositEvent(1)) }],
  ])("refuses a block with %s", async (_what, call) => {
    // The peer, told of no such contract, builds what the rules forbid.
    const { genesis } = CASES[4] as Case;
    const config = { ...(genesis["config"] as object), depositContractAddress: OTHER };
    const chain = await PeerChain.create({ ...genesis, config }, "prague");
    await chain.add({ fork: "prague", timestamp: 12, calls: [call] });
    const path = await chain.write(folder(`refuses ${_what}`));
    await writeFile(join(path, "genesis.json"), JSON.stringify(genesis));
    await expect(openEthereumNode(path)).rejects.toMatchObject({ code: "invalid-deposit-event" });
  });

  it("refuses a block whose requests are others than its header says", async () => {
    const { genesis } = CASES[4] as Case;
    const config = { ...(genesis["config"] as object), depositContractAddress: OTHER };
    const chain = await PeerChain.create({ ...genesis, config }, "prague");
    await chain.add({ fork: "prague", timestamp: 12, calls: requests });
    const path = await chain.write(folder("requests"));
    await writeFile(join(path, "genesis.json"), JSON.stringify(genesis));
    await expect(openEthereumNode(path)).rejects.toThrow(/^block 1: requests hash is 0x/);
  });

  describe("a folder that is not whole", () => {
    let good: string;
    let copies = 0;

    beforeAll(async () => {
      good = await (await build(CASES[2] as Case)).write(folder("good"));
    });

    async function withFile(file: string, content: string | Uint8Array | undefined): Promise<string> {
      const copy = folder(`copy ${copies++}`);
      await mkdir(copy);
      for (const name of ["genesis.json", "chain.rlp", "headfcu.json"])
        if (name !== file) await writeFile(join(copy, name), await readFile(join(good, name)));
      if (content !== undefined) await writeFile(join(copy, file), content);
      return copy;
    }

    const head = { headBlockHash: NONE, safeBlockHash: NONE, finalizedBlockHash: NONE };
    const config = (change: object): string => JSON.stringify(genesisOf({ ...merged, ...change }, pos));

    it.each([
      ["genesis.json", undefined, "genesis.json: is missing"],
      ["chain.rlp", undefined, "chain.rlp: is missing"],
      ["headfcu.json", undefined, "headfcu.json: is missing"],
      ["genesis.json", "{", "genesis.json: is not JSON"],
      ["genesis.json", "[]", "genesis.json: the file has to be an object"],
      ["genesis.json", "{}", "genesis.json: alloc has to be an object"],
      [
        "genesis.json",
        JSON.stringify(genesisOf(merged, { alloc: { "0x1": { balance: "many" } } })),
        "genesis.json: alloc.0x1.balance has to be a number",
      ],
      [
        "genesis.json",
        JSON.stringify(genesisOf(merged, { alloc: { [OTHER]: { balance: "1", code: "0x5" } } })),
        `genesis.json: alloc.${OTHER}.code has to be hexadecimal bytes`,
      ],
      [
        "genesis.json",
        JSON.stringify(genesisOf(merged, { gasLimit: -1 })),
        "genesis.json: gasLimit has to be a number",
      ],
      [
        "genesis.json",
        config({ shanghaiTime: "soon" }),
        "genesis.json: config.shanghaiTime has to be a number",
      ],
      [
        "genesis.json",
        config({ shanghaiTime: 9, cancunTime: 8 }),
        "genesis.json: config.cancunTime comes before config.shanghaiTime",
      ],
      [
        "genesis.json",
        config({ cancunTime: 8 }),
        "genesis.json: config.cancunTime comes before config.shanghaiTime",
      ],
      [
        "genesis.json",
        config({ shanghaiTime: 0, bpo1Time: 9 }),
        "genesis.json: config.blobSchedule.bpo1 is missing",
      ],
      [
        "genesis.json",
        config({ shanghaiTime: 0, amsterdamTime: 3 }),
        "block 1: amsterdamTime is of a fork that is not supported",
      ],
      ["chain.rlp", Uint8Array.of(0x80), "chain.rlp: no list at byte 0"],
      ["chain.rlp", Uint8Array.of(0xc2, 0x01), "chain.rlp: ends inside the block at byte 0"],
      ["chain.rlp", Uint8Array.of(0xc1, 0x01), /^chain\.rlp: block 0 of the file cannot be read: /],
      ["headfcu.json", "{}", "headfcu.json: params[0] has to be the state of the fork choice"],
      [
        "headfcu.json",
        JSON.stringify({ params: [{ ...head, headBlockHash: "0x12" }] }),
        "headfcu.json: params[0].headBlockHash has to be a hash of 32 bytes",
      ],
      [
        "headfcu.json",
        JSON.stringify({ params: [head] }),
        /^headfcu\.json: names a block that the chain lacks/,
      ],
    ] as const)("is refused with its name: %s %#", async (file, content, message) => {
      await expect(openEthereumNode(await withFile(file, content))).rejects.toThrow(message);
    });
  });
});

/** The first two offsets of an event's data, the other way round. */
function swapped(data: Uint8Array): Uint8Array {
  return Uint8Array.of(...data.subarray(32, 64), ...data.subarray(0, 32), ...data.subarray(64));
}
