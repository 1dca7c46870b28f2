import { formatAios } from "@aios/kernel/units";
import type { JobPayment, Protocol } from "@aios/sdk/api-types";
import type { JsonRpc } from "@aios/sdk/json-rpc";
import { Interface } from "ethers/abi";
import { present } from "./expectation.js";
import type { Fact } from "./report.js";

const token = new Interface(["function balanceOf(address) view returns (uint256)"]);
const pullPayments = new Interface(["function withdrawable(address) view returns (uint256)"]);

/** Who is paid for what; the buyer, for what comes back, stands first. */
const PARTIES: Readonly<Partial<Record<JobPayment["kind"], string>>> = {
  escrow: "business",
  provider: "provider",
  prover: "prover",
  royalty: "developer",
  "protocol-fee-treasury": "protocol, treasury",
  "protocol-fee-burned": "protocol, burned",
};

interface Holding {
  readonly beforeWei: bigint;
  readonly afterWei: bigint;
}

/**
 * What everyone paid by a job holds in the block before its escrow and in that of its last payment, as the chain itself
 * says: wrapped $AIOS and what may be withdrawn from escrow and licence sales; of the burnt fee, native $AIOS at the
 * address that nobody holds the key of. Throws `json-rpc-error` where the node does not keep these states any more.
 */
export async function balanceTable(
  { rpc, protocol }: { readonly rpc: Pick<JsonRpc, "call" | "ethCall">; readonly protocol: Protocol },
  payments: readonly JobPayment[],
): Promise<Fact[]> {
  const own = payments.filter(({ kind }) => kind !== "withdrawal");
  const escrowed = present(
    own.find(({ kind }) => kind === "escrow"),
    "the payment into escrow",
  );
  const before = escrowed.blockNumber - 1;
  const after = Math.max(...own.map(({ blockNumber }) => blockNumber));
  const parties = Object.entries(PARTIES).flatMap(([kind, party]) => {
    const paid = own.find((payment) => payment.kind === kind);
    return paid === undefined ? [] : [{ party, kind, account: paid.account }];
  });
  const holdings = await Promise.all(
    parties.map(async ({ kind, account }): Promise<Holding> => {
      const at = (block: number): Promise<bigint> =>
        kind === "protocol-fee-burned"
          ? nativeAt(rpc, account, block)
          : heldAt(rpc, protocol, account, block);
      const [beforeWei, afterWei] = await Promise.all([at(before), at(after)]);
      return { beforeWei, afterWei };
    }),
  );
  const columns = [
    column(
      `in block ${before}`,
      holdings.map(({ beforeWei }) => formatAios(beforeWei)),
    ),
    column(
      `in block ${after}`,
      holdings.map(({ afterWei }) => formatAios(afterWei)),
    ),
    column(
      "change in AIOS",
      holdings.map(({ beforeWei, afterWei }) => signed(afterWei - beforeWei)),
    ),
  ];
  return ["balance of", ...parties.map(({ party }) => party)].map((name, row) => ({
    name,
    value: columns
      .map((cells) => cells[row])
      .join("  ")
      .trimEnd(),
  }));
}

async function heldAt(
  rpc: Pick<JsonRpc, "ethCall">,
  { contracts }: Protocol,
  account: string,
  block: number,
): Promise<bigint> {
  const amounts = await Promise.all(
    (["WrappedAios", "JobEscrow", "ModelLicence"] as const).map((contract) => {
      const [abi, name] =
        contract === "WrappedAios"
          ? ([token, "balanceOf"] as const)
          : ([pullPayments, "withdrawable"] as const);
      const address = present(contracts[contract], `the address of ${contract}`);
      return rpc.ethCall(address, abi.encodeFunctionData(name, [account]), block);
    }),
  );
  return amounts.reduce((sum, amount) => sum + BigInt(amount), 0n);
}

async function nativeAt(rpc: Pick<JsonRpc, "call">, account: string, block: number): Promise<bigint> {
  return BigInt(await rpc.call<string>("eth_getBalance", [account, `0x${block.toString(16)}`]));
}

function signed(wei: bigint): string {
  return wei > 0n ? `+${formatAios(wei)}` : formatAios(wei);
}

/** A title and numbers below each other by their decimal points, all of one width. */
function column(title: string, numbers: readonly string[]): readonly string[] {
  const parts = numbers.map((number) => number.split("."));
  const whole = Math.max(...parts.map(([integer = ""]) => integer.length));
  const lines = parts.map(
    ([integer = "", fraction]) => integer.padStart(whole) + (fraction === undefined ? "" : `.${fraction}`),
  );
  const width = Math.max(title.length, ...lines.map((line) => line.length));
  return [title, ...lines].map((line) => line.padEnd(width));
}
