import { keccak256 } from "@aios/core-keccak/keccak";
import { toHex } from "@aios/core-rlp/hex";
import type { ChainView } from "../../../application/chain-view.js";
import { blockNotFound } from "../../../application/chain-view.js";
import type { WhyPending } from "../../../application/why-pending.js";
import type { BlockReader } from "../../../domain/ports.js";
import { forkConfiguration } from "../fork-configuration.js";
import { hexNumber, type RpcValue } from "../format.js";
import type { RpcMethods } from "../method.js";
import { blockSelector, data, hash } from "../parameters.js";

/** An archive keeps everything since genesis. */
function capabilities(chain: ChainView): RpcValue {
  const { number, hash } = chain.head();
  const oldest = chain.oldest();
  const blocks = { disabled: false, oldestBlock: hexNumber(oldest.block) };
  const states = { disabled: false, oldestBlock: hexNumber(oldest.state) };
  return {
    head: { number: hexNumber(number), hash },
    state: states,
    tx: blocks,
    logs: blocks,
    receipts: blocks,
    blocks,
    stateproofs: states,
  };
}

/** The node itself, and the platform's own questions. */
export function nodeMethods(
  chain: ChainView,
  blocks: BlockReader,
  whyPending: Pick<WhyPending, "explain">,
  clientVersion: string,
): RpcMethods {
  const chainId = hexNumber(chain.genesis.chainId);
  return {
    eth_chainId: () => chainId,
    net_version: () => chain.genesis.chainId.toString(),
    net_listening: () => true,
    web3_clientVersion: () => clientVersion,
    web3_sha3: ([value]) => toHex(keccak256(data(value, "data"))),
    eth_syncing: () => false,
    eth_accounts: () => [],
    eth_capabilities: () => capabilities(chain),
    eth_config: () => forkConfiguration(chain),
    eth_mining: () => false,
    eth_hashrate: () => "0x0",
    eth_coinbase: () => chain.genesis.feeRecipient,
    rpc_modules: () => ({ eth: "1.0", net: "1.0", web3: "1.0", txpool: "1.0", debug: "1.0", aios: "1.0" }),
    aios_getCheckpoint: ([value]): RpcValue => {
      const header = chain.header(blockSelector(value, "checkpoint"));
      if (header === undefined) return null;
      const transactionCount = blocks.transactionCount(header.number);
      if (transactionCount === undefined) throw blockNotFound(String(header.number));
      return {
        height: hexNumber(header.number),
        blockHash: header.hash,
        stateRoot: header.stateRoot,
        transactionCount: hexNumber(transactionCount),
        timestamp: hexNumber(header.timestamp),
        finalizedHeight: hexNumber(chain.finalizedHeight()),
        finalized: header.number <= chain.finalizedHeight(),
      };
    },
    aios_whyPending: async ([value]): Promise<RpcValue> => {
      const fate = await whyPending.explain(hash(value, "transaction hash"));
      switch (fate.status) {
        case "included":
          return { status: fate.status, blockNumber: hexNumber(fate.blockNumber), finalized: fate.finalized };
        case "pending":
          return {
            status: fate.status,
            receivedAtMs: fate.receivedAtMs,
            ...(fate.order === undefined ? {} : { order: fate.order }),
            reason: Object.fromEntries(
              Object.entries(fate.reason).map(([key, part]) => [
                key,
                typeof part === "bigint" ? hexNumber(part) : part,
              ]),
            ),
          };
        default:
          return { ...fate };
      }
    },
  };
}
