import { CodeCache } from "@aios/core-evm/code";
import { FramePool } from "@aios/core-evm/context";
import { createAddress } from "@aios/core-evm/contract-address";
import type { Hardfork } from "@aios/core-evm/hardfork";
import { rulesOf } from "@aios/core-evm/rules";
import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, bytes32Of, fromHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import type { CallRequest } from "../../domain/ports.js";
import type { StateView } from "../../domain/state.js";
import { makeTracer } from "../../domain/tracing/make-tracer.js";
import type { TraceOptions } from "../../domain/tracing/tracer.js";
import { recoverPublicKey } from "../secp256k1/recover-public-key.js";
import { EvmSession } from "./evm-session.js";

const SENDER = `0x${"11".repeat(20)}` as Address;
const CONTRACT = `0x${"aa".repeat(20)}` as Address;
const OTHER = `0x${"bb".repeat(20)}` as Address;
const PRODUCER = `0x${"c0".repeat(20)}` as Address;
const NO_HASH = `0x${"00".repeat(32)}`;
const authority = new Wallet(`0x${"45".repeat(32)}`);
const AUTHORITY = authority.address.toLowerCase() as Address;

interface Account {
  readonly balance?: bigint;
  readonly nonce?: bigint;
  readonly code?: string;
  readonly storage?: Readonly<Record<Bytes32, string>>;
}
type Accounts = Readonly<Record<Address, Account>>;

const slot = (value: number): Bytes32 => `0x${value.toString(16).padStart(64, "0")}` as Bytes32;
const hashOf = (code: string): Bytes32 => bytes32Of(keccak256(fromHex(code)));

function viewOf(accounts: Accounts): StateView {
  const codes = new Map(
    Object.values(accounts).flatMap(({ code }) => (code ? [[hashOf(code), fromHex(code)]] : [])),
  );
  return {
    account(address) {
      const account = accounts[address];
      if (account === undefined) return undefined;
      const { balance = 0n, nonce = 0n, code, storage } = account;
      return {
        balance,
        nonce,
        codeHash: code === undefined ? EMPTY_CODE_HASH : hashOf(code),
        storageRoot: storage === undefined ? EMPTY_TRIE_ROOT : (slot(1) as Bytes32),
      };
    },
    storage: (address, key) => fromHex(accounts[address]?.storage?.[key] ?? "0x"),
    code: (hash) => codes.get(hash) ?? new Uint8Array(0),
  };
}

const CALL_TRACER = { tracer: "callTracer", onlyTopCall: false, withLog: true } as const;
const STRUCT_LOGGER = {
  tracer: "structLogger",
  enableMemory: false,
  disableStack: false,
  disableStorage: false,
  enableReturnData: false,
  limit: 0,
} as const;
const PRESTATE = {
  tracer: "prestateTracer",
  diffMode: false,
  disableCode: false,
  disableStorage: false,
  includeEmpty: false,
} as const;

// Traces are compared as JSON.
// biome-ignore lint/suspicious/noExplicitAny: what a trace is made of is what the test says.
type Json = any;

/** What a tracer says of a message to `CONTRACT`. */
async function trace(
  options: TraceOptions,
  accounts: Accounts,
  message: Partial<CallRequest> = {},
  hardfork: Hardfork = "osaka",
): Promise<Json> {
  const machine = {
    frames: new FramePool(),
    codes: new CodeCache(),
    recover: recoverPublicKey,
    hashSeed: 1,
    blockHash: () => undefined,
  };
  const context = {
    number: 1,
    timestamp: 12,
    gasLimit: 30_000_000n,
    baseFeePerGas: 0n,
    feeRecipient: PRODUCER,
    prevRandao: slot(0),
  };
  const view = viewOf({ [SENDER]: { balance: 10n ** 18n, nonce: 5n }, ...accounts });
  const session = new EvmSession(machine, rulesOf({ hardfork, chainId: 1n }), context, view, []);
  const tracer = makeTracer(options);
  const result = await session.runMessage(
    {
      from: SENDER,
      to: CONTRACT,
      data: new Uint8Array(0),
      value: 0n,
      gasLimit: 200_000n,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      accessList: [],
      authorizationList: [],
      ...message,
    },
    { chargesFees: false, tracer },
  );
  return JSON.parse(JSON.stringify(tracer.end(result, session.state)));
}

/** Calls `OTHER` with four bytes, one wei and 10,000 gas, which it has not. */
const UNFUNDED_CALL = `0x5f5f60045f600173${OTHER.slice(2)}612710f100`;
const WITH_OTHER = { [OTHER]: { balance: 7n } } as const;

describe("calls that never begin", () => {
  it("are frames that have ended: without the balance", async () => {
    const accounts = { [CONTRACT]: { code: UNFUNDED_CALL }, ...WITH_OTHER };
    const { calls, error } = await trace(CALL_TRACER, accounts);
    expect(error).toBeUndefined();
    expect(calls).toEqual([
      {
        type: "CALL",
        from: CONTRACT,
        to: OTHER,
        gas: `0x${(10_000 + 2_300).toString(16)}`,
        gasUsed: "0x0",
        input: "0x00000000",
        value: "0x1",
        error: "insufficient balance for transfer",
      },
    ]);
    expect(await trace({ tracer: "4byteTracer" }, accounts)).toEqual({ "0x00000000-0": 1 });
    expect(await trace(PRESTATE, accounts)).toHaveProperty(OTHER, { balance: "0x7" });
  });

  it("cost what they would have passed on", async () => {
    const { structLogs } = await trace(STRUCT_LOGGER, { [CONTRACT]: { code: UNFUNDED_CALL }, ...WITH_OTHER });
    const [call, stop] = structLogs.slice(-2);
    expect(call).toMatchObject({ op: "CALL", gasCost: 3 + 2_600 + 9_000 + 10_000 });
    // The caller has it back, and the stipend too.
    expect(stop).toMatchObject({ op: "STOP", gas: call.gas - 3 - 2_600 - 9_000 + 2_300, stack: ["0x0"] });
  });

  it("are creations without an address", async () => {
    const { calls } = await trace(CALL_TRACER, { [CONTRACT]: { code: "0x61fe015f526002601e6001f000" } });
    expect(calls).toMatchObject([
      {
        type: "CREATE",
        from: CONTRACT,
        input: "0xfe01",
        value: "0x1",
        gasUsed: "0x0",
        error: "insufficient balance for transfer",
      },
    ]);
    expect(calls[0]).not.toHaveProperty("to");
  });

  it("are those of depth 1,025", async () => {
    const root = await trace(
      CALL_TRACER,
      { [CONTRACT]: { code: "0x5f5f5f5f5f305af100" } },
      { gasLimit: 10n ** 13n },
    );
    let depth = 0;
    let frame = root;
    while (frame.calls !== undefined) {
      expect(frame.error).toBeUndefined();
      [frame] = frame.calls;
      depth++;
    }
    expect(depth).toBe(1_025);
    expect(frame).toMatchObject({ error: "max call depth exceeded", gasUsed: "0x0" });
  });
});

describe("instructions that fail", () => {
  it.each([
    ["an unknown one", "0x0c", "invalid opcode: opcode 0xc not defined"],
    ["INVALID", "0xfe", "invalid opcode: INVALID"],
    ["one that takes too much", "0x5f01", "stack underflow (1 <=> 2)"],
    ["one that puts too much", `0x${"5f".repeat(1_024)}5f`, "stack limit reached 1024 (1023)"],
    ["a jump to nowhere", "0x5f56", "invalid jump destination"],
    ["too large a creation", "0x62ffffff5f5ff000", "out of gas: max initcode size exceeded: size 16777215"],
    ["returned data that is not there", "0x60015f5f3e", "return data out of bounds"],
  ])("are named as Geth names them: %s", async (_what, code, error) => {
    expect(await trace(CALL_TRACER, { [CONTRACT]: { code } })).toMatchObject({ error });
  });

  it("tell how storage refuses the last of the gas", async () => {
    const code = "0x60015f55";
    const root = await trace(CALL_TRACER, { [CONTRACT]: { code } }, { gasLimit: 21_000n + 5n + 2_300n });
    expect(root).toMatchObject({ error: "out of gas: not enough gas for reentrancy sentry" });
  });

  it("are marked in the log where they could not be paid, and not where they ran", async () => {
    const last = async (code: string, gasLimit = 200_000n): Promise<Json> =>
      (await trace(STRUCT_LOGGER, { [CONTRACT]: { code } }, { gasLimit })).structLogs.at(-1);
    expect(await last("0x5f54", 21_100n)).toMatchObject({ op: "SLOAD", error: "out of gas", gasCost: 2_100 });
    expect(await last("0x5f01")).toMatchObject({ op: "ADD", error: "stack underflow (1 <=> 2)" });
    expect(await last("0x5f56")).not.toHaveProperty("error");
    expect(await last("0xfe")).not.toHaveProperty("error");
  });
});

describe("the reason of a revert", () => {
  const panic = (code: string): string => `0x634e487b715f52${`60${code}`}602052602460${"1c"}fd`;

  it.each([
    ["11", "arithmetic underflow or overflow"],
    ["01", "assert(false)"],
    ["99", "unknown panic code: 0x99"],
  ])("is what a panic means: 0x%s", async (code, revertReason) => {
    expect(await trace(CALL_TRACER, { [CONTRACT]: { code: panic(code) } })).toMatchObject({
      error: "execution reverted",
      revertReason,
    });
  });
});

describe("accounts before", () => {
  it("carry the hash of their code, and leave out what has nothing", async () => {
    const code = `0x73${OTHER.slice(2)}3100`;
    const before = await trace(PRESTATE, { [CONTRACT]: { code, balance: 3n, nonce: 1n } });
    expect(before).toEqual({
      [SENDER]: { balance: "0xde0b6b3a7640000", nonce: 5 },
      [CONTRACT]: { balance: "0x3", nonce: 1, code, codeHash: hashOf(code) },
    });
    const all = await trace({ ...PRESTATE, includeEmpty: true, disableCode: true }, { [CONTRACT]: { code } });
    expect(all).toMatchObject({ [OTHER]: { balance: "0x0" }, [PRODUCER]: { balance: "0x0" } });
    expect(all[CONTRACT]).toEqual({ balance: "0x0", codeHash: hashOf(code) });
  });

  it("hold the slots that were read, but none that an instruction could not pay for", async () => {
    const accounts = { [CONTRACT]: { code: "0x5f5460015400", storage: { [slot(0)]: "0x09" } } };
    expect((await trace(PRESTATE, accounts))[CONTRACT].storage).toEqual({
      [slot(0)]: slot(9),
      [slot(1)]: slot(0),
    });
    const short = await trace(PRESTATE, accounts, { gasLimit: 21_000n + 2n + 2_100n + 3n + 100n });
    expect(short[CONTRACT].storage).toEqual({ [slot(0)]: slot(9) });
  });

  it("hold the account whose code a delegation runs", async () => {
    const delegated = { [CONTRACT]: { code: `0xef0100${OTHER.slice(2)}` }, [OTHER]: { code: "0x00" } };
    expect(await trace(PRESTATE, delegated)).toHaveProperty(OTHER);
    const called = {
      ...delegated,
      [SENDER]: { balance: 1n },
      [PRODUCER]: { code: `0x5f5f5f5f5f73${CONTRACT.slice(2)}5af100` },
    };
    expect(await trace(PRESTATE, called, { to: PRODUCER })).toHaveProperty(OTHER);
  });
});

describe("what a transaction changed", () => {
  const DIFF = { ...PRESTATE, diffMode: true } as const;

  it("is shown before and after, without slots that are zero", async () => {
    // Slot 0 is cleared, slot 1 set, slot 2 read, slot 3 written as it was.
    const code = "0x5f5f55600760015560025450600860035500";
    const storage = { [slot(0)]: "0x05", [slot(2)]: "0x06", [slot(3)]: "0x08" };
    const { pre, post } = await trace(DIFF, { [CONTRACT]: { code, storage } });
    expect(pre[CONTRACT].storage).toEqual({ [slot(0)]: slot(5) });
    expect(post[CONTRACT]).toEqual({ storage: { [slot(1)]: slot(7) } });
    expect(post[SENDER]).toEqual({ nonce: 6 });
    expect(pre).not.toHaveProperty(OTHER);
  });

  it("is code that a delegation takes away", async () => {
    const code = `0xef0100${OTHER.slice(2)}`;
    const { address, nonce, chainId, signature } = authority.authorizeSync({
      address: `0x${"00".repeat(20)}`,
      nonce: 0,
      chainId: 1,
    });
    const authorization = {
      chainId: BigInt(chainId),
      address: address as Address,
      nonce: BigInt(nonce),
      yParity: signature.yParity,
      r: BigInt(signature.r),
      s: BigInt(signature.s),
    };
    const { pre, post } = await trace(
      DIFF,
      { [AUTHORITY]: { code } },
      { authorizationList: [authorization] },
    );
    expect(pre[AUTHORITY]).toEqual({ balance: "0x0", code, codeHash: hashOf(code) });
    expect(post[AUTHORITY]).toEqual({ nonce: 1, code: "0x", codeHash: EMPTY_CODE_HASH });
  });

  it("is a contract that is new, and none that is gone with its transaction", async () => {
    const created = addressOf(createAddress(fromHex(CONTRACT), 1n));
    const kept = { [CONTRACT]: { code: "0x6001601f5ff000", nonce: 1n } };
    const { pre, post } = await trace(DIFF, kept);
    expect(pre).not.toHaveProperty(created);
    expect(post[created]).toEqual({ nonce: 1 });
    // Its code gives what it has to nobody, and it is gone.
    const gone = { [CONTRACT]: { code: "0x615fff5f526002601e5ff000", nonce: 1n } };
    const after = await trace(DIFF, gone);
    expect(after.pre).not.toHaveProperty(created);
    expect(after.post).not.toHaveProperty(created);
    expect(after.post[CONTRACT]).toEqual({ nonce: 2 });
  });

  it("is a whole account that is destroyed, before Cancun alone", async () => {
    const code = `0x73${OTHER.slice(2)}ff`;
    const accounts = { [CONTRACT]: { code, balance: 2n }, ...WITH_OTHER };
    const before = await trace(DIFF, accounts, {}, "shanghai");
    expect(before.pre).toHaveProperty(CONTRACT);
    expect(before.post).not.toHaveProperty(CONTRACT);
    const since = await trace(DIFF, accounts);
    expect(since.post[CONTRACT]).toEqual({ balance: "0x0" });
    expect(since.post[OTHER]).toEqual({ balance: "0x9" });
  });

  it("is, of an account that was only asked for and does not exist, that it has no code", async () => {
    const { pre, post } = await trace(DIFF, { [CONTRACT]: { code: `0x73${OTHER.slice(2)}3100` } });
    expect(pre).not.toHaveProperty(OTHER);
    expect(post[OTHER]).toEqual({ codeHash: NO_HASH });
  });
});
