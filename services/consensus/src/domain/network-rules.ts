import type { BlockHeader } from "./block.js";
import type { BlockRules, ForkConfiguration } from "./block-session.js";
import { baseFeeCredits, nextBaseFee } from "./fees.js";
import type { Genesis } from "./genesis.js";
import type { BlockContext } from "./ports.js";

/** Fields that the block after `parent` has. */
export function contextAfter(
  genesis: Genesis,
  parent: BlockHeader,
  { timestamp, prevRandao }: Pick<BlockContext, "timestamp" | "prevRandao">,
): BlockContext {
  return {
    number: parent.number + 1,
    timestamp: Math.max(timestamp, parent.timestamp),
    gasLimit: genesis.gasLimit,
    baseFeePerGas: nextBaseFee(parent, genesis.minimumBaseFeePerGas),
    feeRecipient: genesis.feeRecipient,
    prevRandao,
  };
}

/** The chain has one fork, from its genesis on; blobs are refused at admission, which the schedule says with zeros. */
function onlyFork({ hardfork, timestamp }: Genesis): ForkConfiguration {
  return {
    fork: hardfork,
    activationTime: timestamp,
    passed: [],
    blobSchedule: { target: 0, max: 0, baseFeeUpdateFraction: 5_007_716 },
    systemContracts: { HISTORY_STORAGE_ADDRESS: "0x0000f90827f1c53a10cb7a02335b175320002935" },
  };
}

/** The rules of the network, whose blocks carry no blobs. */
export function networkRules(genesis: Genesis): BlockRules {
  return {
    chainId: genesis.chainId,
    contextAfter: (parent, stored) => contextAfter(genesis, parent, stored),
    nextBaseFee: (parent) => nextBaseFee(parent, genesis.minimumBaseFeePerGas),
    nextExcessBlobGas: () => 0n,
    blobBaseFee: () => 1n,
    blobGasRatio: () => 0,
    baseFeeCredits: (header) => baseFeeCredits(genesis, header),
    forks: () => ({ current: onlyFork(genesis) }),
  };
}
