import { fromHex } from "@aios/core-rlp/hex";
import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM } from "@ethereumjs/evm";
import { Account, Address } from "@ethereumjs/util";
import { RpcClient } from "./load-generator.js";

export type Heavy = "arithmetic" | "keccak";

interface HeavyContract {
  readonly address: string;
  /** Loops until its gas is gone. */
  readonly code: string;
}

/** The contracts of the bench `evm`: x = (x × x + 3) mod (x + 7), and x = keccak(x). */
export const HEAVY_CONTRACTS: Readonly<Record<Heavy, HeavyContract>> = {
  arithmetic: {
    address: `0x${"a1".repeat(20)}`,
    code: "0x67fedcba98765432105b808002600301816007019006199050600956",
  },
  keccak: { address: `0x${"a2".repeat(20)}`, code: "0x60015b5f5260205f20600256" },
};

/** Below what a node lets a call use. */
const CALL_GAS = 16_000_000;
const PEER_CALL_GAS = 2_000_000;
const WARM_UP_MS = 1_000;
const MEASURED_MS = 2_500;

/** Megagas in a second of wall time that `call` uses, once it is warm. */
async function rate(gas: number, call: () => Promise<void>): Promise<number> {
  const warmUntil = performance.now() + WARM_UP_MS;
  while (performance.now() < warmUntil) await call();
  const startedAt = performance.now();
  let calls = 0;
  while (performance.now() - startedAt < MEASURED_MS) {
    await call();
    calls++;
  }
  return (calls * gas) / 1_000 / (performance.now() - startedAt);
}

/** By `eth_call`, one after the other: what a node makes of a contract, its JSON-RPC included. */
export async function gasOverRpc(url: string): Promise<ReadonlyMap<Heavy, number>> {
  const client = new RpcClient(url);
  const out = new Map<Heavy, number>();
  try {
    for (const kind of ["arithmetic", "keccak"] as const) {
      const call = { to: HEAVY_CONTRACTS[kind].address, gas: `0x${CALL_GAS.toString(16)}` };
      const request = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_call", params: [call, "latest"] });
      const used = async (): Promise<void> => {
        const answer = await client.post(request);
        if (!/out ?of ?gas/i.test(answer))
          throw new Error(`the call ended otherwise: ${answer.slice(0, 200)}`);
      };
      out.set(kind, await rate(CALL_GAS, used));
    }
    return out;
  } finally {
    client.close();
  }
}

/** `@ethereumjs/evm` on the same bytecode, in this process and without JSON-RPC. */
export async function gasOfEthereumJs(): Promise<ReadonlyMap<Heavy, number>> {
  const evm = await createEVM({ common: new Common({ chain: Mainnet, hardfork: Hardfork.Prague }) });
  const caller = new Address(fromHex(`0x${"c1".repeat(20)}`));
  await evm.stateManager.putAccount(caller, new Account(0n, 10n ** 30n));
  const out = new Map<Heavy, number>();
  for (const kind of ["arithmetic", "keccak"] as const) {
    const { address, code } = HEAVY_CONTRACTS[kind];
    const to = new Address(fromHex(address));
    await evm.stateManager.putCode(to, fromHex(code));
    const call = async (): Promise<void> => {
      await evm.runCall({ caller, to, gasLimit: BigInt(PEER_CALL_GAS), skipBalance: true });
    };
    out.set(kind, await rate(PEER_CALL_GAS, call));
  }
  return out;
}
