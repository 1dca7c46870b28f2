import { HEAVY_CONTRACTS } from "./contract-gas.js";
import { contractCodes } from "./contracts.js";
import {
  allowanceSlot,
  balanceSlot,
  CHAIN_ID,
  COLLECTIBLE,
  OTHER_TOKEN,
  PAIR,
  recipientOf,
  type Sender,
  slotOf,
  TOKEN,
} from "./workload.js";

const RICH_WEI = `1000000${"0".repeat(18)}`;
const AMOUNT = 10n ** 24n;
const WITHOUT_LIMIT = 2n ** 256n - 1n;

const hexWord = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;

interface Account {
  readonly balanceWei?: string;
  readonly code?: string;
  readonly storage?: Readonly<Record<string, string>>;
}

/** Everyone has a lot of a token, and so has the pair, which may take it from everyone. */
function tokenStorage(senders: readonly Sender[]): Readonly<Record<string, string>> {
  const owners = [PAIR, ...senders.map((sender) => sender.address)];
  return Object.fromEntries([
    ...owners.map((owner) => [balanceSlot(owner), hexWord(AMOUNT)]),
    ...senders.map((sender) => [allowanceSlot(sender.address, PAIR), hexWord(WITHOUT_LIMIT)]),
  ]);
}

/** Both tokens, both reserves in one slot, and the lock open. */
function pairStorage(): Readonly<Record<string, string>> {
  return {
    [slotOf(0)]: hexWord(BigInt(TOKEN)),
    [slotOf(1)]: hexWord(BigInt(OTHER_TOKEN)),
    [slotOf(2)]: hexWord((AMOUNT << 112n) | AMOUNT),
    [slotOf(5)]: hexWord(1n),
  };
}

/** What a chain that starts without a genesis file needs for the same load. */
export function contractAccounts(senders: readonly Sender[]): ReadonlyMap<string, Account> {
  const codes = contractCodes();
  const storage = tokenStorage(senders);
  return new Map<string, Account>([
    [TOKEN, { code: codes.Token, storage }],
    [OTHER_TOKEN, { code: codes.Token, storage }],
    [PAIR, { code: codes.Pair, storage: pairStorage() }],
    [COLLECTIBLE, { code: codes.Collectible }],
    ...Object.values(HEAVY_CONTRACTS).map(({ address, code }): [string, Account] => [address, { code }]),
  ]);
}

function accountsOf(senders: readonly Sender[], count: number): ReadonlyMap<string, Account> {
  const out = new Map<string, Account>(contractAccounts(senders));
  for (let index = 0; index < count; index++) out.set(recipientOf(index), { balanceWei: "1" });
  for (const sender of senders) out.set(sender.address, { balanceWei: RICH_WEI });
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
