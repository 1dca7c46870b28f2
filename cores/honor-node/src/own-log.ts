import { checkpointId } from "@aios/core-finality/checkpoint";
import type { VerifiedChain } from "./chain-snapshot.js";
import { CheckpointChain } from "./checkpoint-chain.js";
import type { LogEntry } from "./node-protocol.js";
import type { ChainSettings } from "./node-settings.js";
import { type Abstention, NO_ABSTENTION } from "./past-statements.js";

/** What a node's log says of what it decided and said, without a node that runs. */
export interface OwnLog {
  /** Undefined before the first decision. */
  readonly verified: VerifiedChain | undefined;
  readonly abstention: Abstention;
  /** Of any block that it holds, its own included; 0 where there is none. */
  readonly latestBlockTick: number;
}

/** Reads a log in its order, as `HonorNode.start` does. Cost: the entries. */
export function readOwnLog(
  entries: Iterable<LogEntry>,
  { genesisSet, genesis }: Pick<ChainSettings, "genesisSet" | "genesis">,
): OwnLog {
  const chain = new CheckpointChain(genesisSet, genesis);
  let abstention = NO_ABSTENTION;
  let latestBlockTick = 0;
  for (const entry of entries)
    if (entry.kind === "base") chain.resume(entry.base);
    else if (entry.kind === "abstention") abstention = entry.abstention;
    else if (entry.kind === "block") latestBlockTick = Math.max(latestBlockTick, entry.block.tick);
    else if (entry.kind === "decision" && entry.decision.checkpoint.height === chain.height)
      chain.append(entry.decision);
  const { height, parentId: id, tick } = chain;
  const idAt = (at: number): string | undefined => {
    const decision = chain.decision(at);
    return decision === undefined ? undefined : checkpointId(decision.checkpoint);
  };
  const verified =
    height === 1
      ? undefined
      : { checkpoint: { height: height - 1, id }, tick, idAt, reigns: chain.reignsAt(height) };
  return { verified, abstention, latestBlockTick };
}
