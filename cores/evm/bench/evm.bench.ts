import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM } from "@ethereumjs/evm";
import { Account, Address } from "@ethereumjs/util";
import { ExecutionContext, FramePool } from "../src/context.js";
import { executeTransaction } from "../src/execute-transaction.js";
import { rulesOf } from "../src/rules.js";
import type { StateReader } from "../src/state-reader.js";
import { WorldState } from "../src/world-state.js";
import { addressOf, BLOCK, memoryState } from "../test/memory-state.js";

/**
 * Ours and @ethereumjs/evm on the same bytecode. Token transfers: ours are whole transactions (checks, fees, journal)
 * without signature recovery; the peer's are bare calls, which is in its favour.
 */
const json = process.argv.includes("--json");
const SENDER = addressOf(1);
const TARGET = addressOf(2);
const CALL_GAS = 2_000_000;
const TRANSFERS = 5_000;
const PEER_TRANSFERS = 500;
const TURNS = 5;
const RECIPIENTS = 1_000;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
/** Loops until its gas is gone: x = (x × x + 3) mod (x + 7), and x = keccak(x). */
const ARITHMETIC = bytes("67fedcba9876543210 5b 80 80 02 6003 01 81 6007 01 90 06 19 90 50 6009 56");
/** The same with x = (x × x mod p) + 5 mod q: full products and long divisions. */
const MODULAR = bytes(
  "67fedcba9876543210 5b 7f30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47 81 82 09" +
    "6fffffffffffffffffffffffffffffff61 6005 83 08 01 90 50 6009 56",
);
/** Writes a counter to memory, reads it back and adds. */
const MEMORY = bytes("5f 5b 6001 01 80 6103e0 16 81 81 52 51 50 6001 56");
const KECCAK = bytes("6001 5b 5f52 6020 5f 20 6002 56");
/** `transfer` of an ERC-20: two entries of a mapping, a check and an event. Words: recipient, amount. */
const TOKEN = bytes(
  "335f52 60405f20 8054 602035 808210 604d57 9003 9055 5f355f52 60405f20 8054 602035 01 9055" +
    "6020355f52 5f35 33 60dd 6020 5f a3 00 5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b 5f5ffd",
);

function reader(code: Uint8Array): StateReader {
  const base = memoryState([
    [SENDER, { balance: 10n ** 30n }],
    [TARGET, { code }],
  ]);
  return {
    ...base,
    account: (address) => {
      const account = base.account(address);
      return account === undefined ? undefined : { ...account, hasStorage: account.codeHash.length > 0 };
    },
    storage: () => bytes("0de0b6b3a7640000"),
  };
}

function ours(code: Uint8Array): ExecutionContext {
  const rules = rulesOf({ hardfork: "osaka", chainId: 1n });
  return new ExecutionContext(new WorldState(reader(code)), rules, BLOCK, new FramePool());
}

function run(context: ExecutionContext, nonce: number, data: Uint8Array): bigint {
  return executeTransaction(context, {
    type: 2,
    from: SENDER,
    to: TARGET,
    nonce: BigInt(nonce),
    gasLimit: BigInt(CALL_GAS),
    value: 0n,
    data,
    maxFeePerGas: 10n,
    maxPriorityFeePerGas: 1n,
    accessList: [],
  }).gasUsed;
}

async function peer(code: Uint8Array) {
  const evm = await createEVM({ common: new Common({ chain: Mainnet, hardfork: Hardfork.Prague }) });
  await evm.stateManager.putAccount(new Address(SENDER), new Account(0n, 10n ** 30n));
  await evm.stateManager.putCode(new Address(TARGET), code);
  return (data: Uint8Array) =>
    evm.runCall({
      caller: new Address(SENDER),
      to: new Address(TARGET),
      data,
      gasLimit: BigInt(CALL_GAS),
      skipBalance: true,
    });
}

const empty = new Uint8Array(0);

/** Work done in a second of processor time, which other processes on the machine do not take from. */
async function rate(work: () => Promise<number>): Promise<number> {
  const before = process.cpuUsage();
  const done = await work();
  const { user, system } = process.cpuUsage(before);
  return (done * 1_000_000) / (user + system);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Turns of both sides one after the other, the first of each not counted. */
async function compare(
  name: string,
  unit: string,
  own: () => Promise<number>,
  peerWork: () => Promise<number>,
): Promise<void> {
  const rates: { readonly own: number; readonly peer: number }[] = [];
  for (let turn = 0; turn <= TURNS; turn++) rates.push({ own: await rate(own), peer: await rate(peerWork) });
  const counted = rates.slice(1);
  report(name, median(counted.map((turn) => turn.own)), median(counted.map((turn) => turn.peer)), unit);
}

for (const [name, code] of [
  ["arithmetic", ARITHMETIC],
  ["modular", MODULAR],
  ["keccak", KECCAK],
  ["memory", MEMORY],
] as const) {
  const context = ours(code);
  const call = await peer(code);
  let nonce = 0;
  await compare(
    `${name}-heavy contract`,
    "Mgas/s",
    async () => {
      let gas = 0n;
      for (let i = 0; i < 5; i++) gas += run(context, nonce++, empty);
      return Number(gas) / 1e6;
    },
    async () => {
      await call(empty);
      return CALL_GAS / 1e6;
    },
  );
}

function transferData(i: number, amount: number): Uint8Array {
  const data = new Uint8Array(64);
  new DataView(data.buffer).setUint32(28, 1 + (i % RECIPIENTS));
  data[63] = amount;
  return data;
}

const context = ours(TOKEN);
const call = await peer(TOKEN);
let sent = 0;
await compare(
  "ERC-20 transfers",
  "1/s",
  async () => {
    for (let i = 0; i < TRANSFERS; i++) run(context, sent++, transferData(i, 1));
    return TRANSFERS;
  },
  async () => {
    for (let i = 0; i < PEER_TRANSFERS; i++) await call(transferData(i, 0));
    return PEER_TRANSFERS;
  },
);

function report(name: string, value: number, peerValue: number, unit: string): void {
  if (json) {
    const goal = unit === "Mgas/s" ? 10 * peerValue : undefined;
    console.log(
      JSON.stringify({
        suite: "evm",
        name,
        value,
        unit,
        goal,
        better: "higher",
        peer: "@ethereumjs/evm",
        peerValue,
      }),
    );
  } else
    console.log(
      `${name.padEnd(28)} ${value.toFixed(1).padStart(12)} ${unit}   @ethereumjs/evm ${peerValue.toFixed(1)}   ×${(value / peerValue).toFixed(1)}`,
    );
}
