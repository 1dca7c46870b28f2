import type { BlockHeader, Receipt } from "@aios/consensus/domain/block";
import { receiptsRoot, transactionsRoot, withdrawalsRoot } from "@aios/consensus/domain/block-codec";
import type { BlockSession, SessionOpener } from "@aios/consensus/domain/block-session";
import { combineBlooms, receiptBlooms } from "@aios/consensus/domain/bloom";
import { toHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { ImportedBlock } from "./chain-file.js";
import type { EthereumRules } from "./ethereum-rules.js";
import type { MemoryBlockStore } from "./memory-block-store.js";
import type { MemoryStateStore } from "./memory-state-store.js";

const GWEI = 1_000_000_000n;
const GAS_PER_BLOB = 131_072n;

/** Executes a block on its parent and stores it. Throws when any root, gas or hash differs from the header's. */
export async function importBlock(
  block: ImportedBlock,
  rules: EthereumRules,
  sessions: SessionOpener,
  states: MemoryStateStore,
  blocks: MemoryBlockStore,
): Promise<void> {
  const parent = blocks.head();
  if (parent === undefined || parent.hash !== block.header.parentHash)
    throw new Error(`block ${block.header.number}: its parent is not the head`);
  rules.requireSupported(block.header);
  const header: BlockHeader = {
    ...block.header,
    blobBaseFeePerGas: rules.blobBaseFee(block.header.excessBlobGas, block.header.timestamp),
  };
  const same = (what: string, actual: unknown, expected: unknown): void => {
    if (actual !== expected) throw new Error(`block ${header.number}: ${what} is ${actual}, not ${expected}`);
  };
  same("form of the header", header.earlierForm?.form ?? "prague", rules.headerForm(header));
  same("transactions root", transactionsRoot(block.transactions), header.transactionsRoot);
  same("withdrawals root", withdrawalsRoot(block.withdrawals ?? []), header.withdrawalsRoot);
  same("base fee", rules.nextBaseFee(parent), header.baseFeePerGas);
  same("excess blob gas", rules.nextExcessBlobGas(parent, header.timestamp), header.excessBlobGas);
  same("blob gas", blobGasOf(block), header.blobGasUsed);
  await sessions.open({ root: parent.stateRoot, overlays: [] }, rules.contextOf(header), async (session) => {
    await session.begin(parent.hash);
    const receipts = await runTransactions(session, block, rules, states, parent.stateRoot);
    payRewards(session, block, rules);
    for (const withdrawal of block.withdrawals ?? [])
      session.credit(withdrawal.address, withdrawal.amount * GWEI);
    const requestsHash = await session.finish();
    if (rules.headerForm(header) === "prague") same("requests hash", requestsHash, header.requestsHash);
    same("gas used", receipts.at(-1)?.cumulativeGasUsed ?? 0n, header.gasUsed);
    same("receipts root", receiptsRoot(receipts, block.transactions), header.receiptsRoot);
    same("logs bloom", toHex(combineBlooms(receiptBlooms(receipts))), toHex(header.logsBloom));
    same("state root", states.commit(parent.stateRoot, session.changes()), header.stateRoot);
    await blocks.append({
      header,
      transactions: block.transactions,
      receipts,
      uncles: block.uncles ?? [],
      withdrawals: block.withdrawals ?? [],
    });
  });
}

function blobGasOf({ transactions }: ImportedBlock): bigint {
  const blobs = transactions.reduce(
    (sum, transaction) => sum + (transaction.type === 3 ? transaction.blobVersionedHashes.length : 0),
    0,
  );
  return BigInt(blobs) * GAS_PER_BLOB;
}

async function runTransactions(
  session: BlockSession,
  block: ImportedBlock,
  rules: EthereumRules,
  states: MemoryStateStore,
  parentRoot: Bytes32,
): Promise<Receipt[]> {
  const receipts: Receipt[] = [];
  let cumulativeGasUsed = 0n;
  for (const transaction of block.transactions) {
    const result = await session.runSigned(transaction);
    cumulativeGasUsed += result.gasUsed;
    const succeeded = result.error === undefined;
    receipts.push({
      succeeded,
      gasUsed: result.gasUsed,
      cumulativeGasUsed,
      contractAddress: result.created ?? null,
      logs: succeeded ? result.logs : [],
      ...(rules.isByzantium(block.header.number)
        ? {}
        : { postState: states.commitment(parentRoot, session.changes()).root }),
    });
  }
  return receipts;
}

/** Proof of work pays the block's producer, and the producers of uncles by their age. */
function payRewards(session: BlockSession, block: ImportedBlock, rules: EthereumRules): void {
  const reward = rules.blockReward(block.header);
  if (reward === 0n) return;
  for (const uncle of block.uncleHeaders)
    session.credit(uncle.feeRecipient, (BigInt(8 - (block.header.number - uncle.number)) * reward) / 8n);
  session.credit(block.header.feeRecipient, reward + (reward * BigInt(block.uncleHeaders.length)) / 32n);
}
