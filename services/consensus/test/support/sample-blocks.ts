import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import type { BlockHeader, Receipt } from "@aios/consensus/domain/block";
import { receiptsRoot, sealHeader, transactionsRoot } from "@aios/consensus/domain/block-codec";
import { logsBloom } from "@aios/consensus/domain/bloom";
import type { ExecutedBlock } from "@aios/consensus/domain/ports";
import { NO_CHANGES, type StateChanges } from "@aios/consensus/domain/state";
import type { Tries } from "@aios/consensus/domain/state-commitment";
import type { SignedTransaction } from "@aios/consensus/domain/transaction";
import { AdmissionCodec } from "@aios/consensus/domain/transaction-codec";
import { EMPTY_TRIE_ROOT } from "@aios/core-trie/empty-hashes";
import { NewNodes } from "@aios/core-trie/new-nodes";
import { address, type Bytes32, bytes32 } from "@aios/kernel/identifiers";
import { getBytes } from "ethers";
import { testGenesis, wallets } from "./test-chain.js";

const ZERO = bytes32(`0x${"00".repeat(32)}`);
const TO = address(`0x${"45".repeat(20)}`);

/** Decodes, and reads again, what the wallets of the tests signed. */
export const sampleCodec = new AdmissionCodec(testGenesis(), recoverPublicKey);

/** A signed transfer of a test wallet, the first one unless given. */
export async function sampleTransfer(nonce: number, wallet = 0): Promise<SignedTransaction> {
  const raw = await wallets[wallet]?.signTransaction({
    type: 2,
    chainId: testGenesis().chainId,
    nonce,
    to: TO,
    value: 1n,
    gasLimit: 21_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
  });
  return sampleCodec.decode(getBytes(raw ?? "0x"));
}

export interface SampleContent {
  readonly transactions?: readonly SignedTransaction[];
  /** Each transaction leaves a log of this contract. */
  readonly logsOf?: typeof TO;
  readonly stateRoot?: Bytes32;
  readonly changes?: StateChanges;
  readonly trieNodes?: NewNodes;
  readonly tries?: Tries;
}

/** A block after its parent, as an engine would hand it over; the first without one. */
export function sampleBlock(parent: BlockHeader | undefined, content: SampleContent = {}): ExecutedBlock {
  const {
    transactions = [],
    logsOf,
    changes = NO_CHANGES,
    trieNodes = new NewNodes(),
    tries = new Map(),
  } = content;
  const logs = logsOf === undefined ? [] : [{ address: logsOf, topics: [ZERO], data: Uint8Array.of(7) }];
  const receipts: Receipt[] = transactions.map((_, index) => ({
    succeeded: true,
    gasUsed: 21_000n,
    cumulativeGasUsed: 21_000n * BigInt(index + 1),
    contractAddress: null,
    logs,
  }));
  const header = sealHeader(
    {
      parentHash: parent?.hash ?? ZERO,
      number: parent === undefined ? 0 : parent.number + 1,
      timestamp: 1_767_225_600,
      stateRoot: content.stateRoot ?? parent?.stateRoot ?? EMPTY_TRIE_ROOT,
      transactionsRoot: transactionsRoot(transactions),
      receiptsRoot: receiptsRoot(receipts, transactions),
      withdrawalsRoot: EMPTY_TRIE_ROOT,
      requestsHash: ZERO,
      parentBeaconBlockRoot: ZERO,
      logsBloom: logsBloom(receipts.flatMap((receipt) => receipt.logs)),
      feeRecipient: TO,
      prevRandao: ZERO,
      extraData: new Uint8Array(0),
      gasLimit: 60_000_000n,
      gasUsed: 21_000n * BigInt(transactions.length),
      baseFeePerGas: 1n,
      blobGasUsed: 0n,
      excessBlobGas: 0n,
    },
    transactions,
  );
  return { header, transactions, receipts, changes, trieNodes, tries, dropped: [], deferred: [] };
}
