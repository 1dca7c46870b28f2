import { createRequire } from "node:module";
import { balanceSlot, CHAIN_ID, recipientOf, type Sender, TOKEN } from "./workload.js";

const RICH_WEI = `1000000${"0".repeat(18)}`;
const TOKENS = `0x${(10n ** 24n).toString(16).padStart(64, "0")}`;

const SOURCE = `
// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
contract Token {
  mapping(address => uint256) public balanceOf;
  event Transfer(address indexed from, address indexed to, uint256 value);
  function transfer(address to, uint256 value) external returns (bool) {
    balanceOf[msg.sender] -= value;
    balanceOf[to] += value;
    emit Transfer(msg.sender, to, value);
    return true;
  }
}
`;

/** The code that a deployed token has. */
function tokenCode(): string {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: { "Token.sol": { content: SOURCE } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as {
    readonly contracts?: Record<
      string,
      Record<string, { readonly evm: { readonly deployedBytecode: { readonly object: string } } }>
    >;
  };
  const object = output.contracts?.["Token.sol"]?.["Token"]?.evm.deployedBytecode.object;
  if (object === undefined) throw new Error("the token did not compile");
  return `0x${object}`;
}

interface Account {
  readonly balanceWei?: string;
  readonly code?: string;
  readonly storage?: Readonly<Record<string, string>>;
}

function accountsOf(senders: readonly Sender[], count: number): ReadonlyMap<string, Account> {
  const out = new Map<string, Account>();
  for (let index = 0; index < count; index++) out.set(recipientOf(index), { balanceWei: "1" });
  for (const sender of senders) out.set(sender.address, { balanceWei: RICH_WEI });
  const storage = Object.fromEntries(senders.map((sender) => [balanceSlot(sender.address), TOKENS]));
  out.set(TOKEN, { code: tokenCode(), storage });
  return out;
}

/** The same accounts in the form of our node and in that of Geth, which anvil reads. */
export function genesisFiles(
  senders: readonly Sender[],
  accounts: number,
  gasLimit: number,
): { readonly own: string; readonly geth: string } {
  const alloc = accountsOf(senders, accounts);
  const feeRecipient = `0x${"b0".repeat(20)}`;
  const own = {
    name: "bench",
    chainId: CHAIN_ID,
    hardfork: "osaka",
    timestampSeconds: 1_767_225_600,
    gasLimit: String(gasLimit),
    baseFeePerGasWei: "1000000000",
    minimumBaseFeePerGasWei: "1000000",
    feeRecipient,
    baseFeeSplit: { burnedBps: 10_000, recipients: [] },
    alloc: Object.fromEntries(alloc),
  };
  const geth = {
    config: { chainId: CHAIN_ID, terminalTotalDifficulty: 0, shanghaiTime: 0, cancunTime: 0, pragueTime: 0 },
    difficulty: "0x0",
    gasLimit: `0x${gasLimit.toString(16)}`,
    baseFeePerGas: "0x3b9aca00",
    timestamp: "0x69560000",
    coinbase: feeRecipient,
    alloc: Object.fromEntries(
      [...alloc].map(([address, { balanceWei = "0", ...rest }]) => [
        address,
        { balance: `0x${BigInt(balanceWei).toString(16)}`, ...rest },
      ]),
    ),
  };
  return { own: JSON.stringify(own), geth: JSON.stringify(geth) };
}
