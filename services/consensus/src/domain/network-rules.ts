import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, concat, fromHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { BlockHeader } from "./block.js";
import type { BlockRules, ForkConfiguration } from "./block-session.js";
import { baseFeeCredits, nextBaseFee } from "./fees.js";
import type { Genesis } from "./genesis.js";
import type { BlockContext } from "./ports.js";

const RANDAO_DOMAIN = new TextEncoder().encode("AiOS/prevrandao/1");

/**
 * Until a beacon exists, PREVRANDAO is a hash of the parent's: unique per block, predictable, and not for lotteries.
 */
export function prevRandaoAfter(parentHash: Bytes32): Bytes32 {
  return bytes32Of(keccak256(concat(RANDAO_DOMAIN, fromHex(parentHash))));
}

/** Fields that the block after `parent` has. */
export function contextAfter(genesis: Genesis, parent: BlockHeader, timestamp: number): BlockContext {
  return {
    number: parent.number + 1,
    timestamp: Math.max(timestamp, parent.timestamp),
    gasLimit: genesis.gasLimit,
    baseFeePerGas: nextBaseFee(parent, genesis.minimumBaseFeePerGas),
    feeRecipient: genesis.feeRecipient,
    prevRandao: prevRandaoAfter(parent.hash),
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
    contextAfter: (parent, stored) => contextAfter(genesis, parent, stored.timestamp),
    nextBaseFee: (parent) => nextBaseFee(parent, genesis.minimumBaseFeePerGas),
    nextExcessBlobGas: () => 0n,
    blobBaseFee: () => 1n,
    blobGasRatio: () => 0,
    baseFeeCredits: (header) => baseFeeCredits(genesis, header),
    forks: () => ({ current: onlyFork(genesis) }),
  };
}
