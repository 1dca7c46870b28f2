import { rulesOf } from "@aios/core-evm/rules";
import type { RecoverPublicKey } from "@aios/core-transactions/sender";
import { EvmSessions, recoverAddressBy } from "../adapters/evm/evm-sessions.js";
import { ExecuteBlocks } from "../application/execute-blocks.js";
import { SessionEngine } from "../application/session-engine.js";
import type { SessionOpener } from "../domain/block-session.js";
import type { Genesis } from "../domain/genesis.js";
import { networkRules } from "../domain/network-rules.js";
import type { BlockStore, ExecutionEngine, FoundingStore } from "../domain/ports.js";
import type { EngineName, NodeSettings } from "./node-settings.js";

interface Sessions {
  readonly forBlocks: SessionOpener;
  readonly forCalls: SessionOpener;
}

/** What an engine is made of. */
export interface EngineParts {
  readonly genesis: Genesis;
  readonly states: FoundingStore;
  readonly blocks: Pick<BlockStore, "header">;
  readonly recover: RecoverPublicKey;
  readonly settings: NodeSettings;
  readonly now: () => number;
}

function ownSessions({ genesis, states, blocks, recover }: EngineParts): Sessions {
  const rules = rulesOf({
    hardfork: genesis.hardfork,
    chainId: BigInt(genesis.chainId),
    precompiles: { recoverAddress: recoverAddressBy(recover) },
    failedRequests: "none",
  });
  const sessions = new EvmSessions(states, blocks, () => rules, recover);
  return { forBlocks: sessions, forCalls: sessions };
}

/** The library is loaded only where it is asked for. One lane for blocks and one for calls, so that neither waits. */
async function librarySessions({ genesis, states, blocks, settings }: EngineParts): Promise<Sessions> {
  const { chainCommon } = await import("../adapters/ethereumjs/chain-common.js");
  const { EthereumJsSessions } = await import("../adapters/ethereumjs/ethereumjs-sessions.js");
  const options = {
    chainId: genesis.chainId,
    common: chainCommon(genesis),
    maxQueued: settings.maxQueuedCalls,
  };
  return {
    forBlocks: await EthereumJsSessions.create(states, blocks, options),
    forCalls: await EthereumJsSessions.create(states, blocks, options),
  };
}

/** An engine of the network that runs in this thread. */
export async function openEngine(name: EngineName, parts: EngineParts): Promise<ExecutionEngine> {
  const { genesis, states, settings, now } = parts;
  const { forBlocks, forCalls } = name === "evm" ? ownSessions(parts) : await librarySessions(parts);
  const blocks = new ExecuteBlocks(genesis, forBlocks, states, { ...settings, now });
  return new SessionEngine(blocks, networkRules(genesis), forCalls, states);
}
