import { recoverPublicKey } from "../adapters/secp256k1/recover-public-key.js";
import type { BlockHeader } from "../domain/block.js";
import { corruptStore, genesisMismatch } from "../domain/errors.js";
import type { Genesis } from "../domain/genesis.js";
import { requireStakingGenesis } from "../domain/honor-chain.js";
import type { ExecutedBlock, ExecutionEngine } from "../domain/ports.js";
import { genesisDigest } from "./genesis-digest.js";
import type { NodeContext } from "./node-options.js";
import type { NodeStorage } from "./node-storage.js";
import { type EngineParts, openEngine } from "./open-engine.js";

const GENESIS_DIGEST = "genesis-digest";

export interface NodeExecution {
  readonly engine: ExecutionEngine;
  readonly genesisHeader: BlockHeader;
}

/**
 * Executes blocks in this thread, on the chain that `whole` begins. Throws `genesis-mismatch`,
 * `corrupt-store`.
 */
export async function openExecution(
  { genesis, settings, clock }: NodeContext,
  whole: Genesis,
  storage: NodeStorage,
): Promise<NodeExecution> {
  const { states, blocks } = storage;
  const parts = { states, blocks, recover: recoverPublicKey, settings, now: () => clock.now() };
  const engine = await openEngine(settings.engine, { ...parts, genesis });
  return { engine, genesisHeader: await openGenesis(storage, whole, parts) };
}

/** Stores block 0, or makes sure that it is the stored one: by the digest of an earlier start, else by making it. */
async function openGenesis(
  { database, blocks, states }: NodeStorage,
  genesis: Genesis,
  parts: Omit<EngineParts, "genesis">,
): Promise<BlockHeader> {
  const execute = async (): Promise<ExecutedBlock> => {
    requireStakingGenesis(genesis);
    return (await openEngine(parts.settings.engine, { ...parts, genesis })).executeGenesis();
  };
  const digest = genesisDigest(genesis);
  const head = blocks.head();
  if (head === undefined) {
    const made = await execute();
    await blocks.append(made);
    await database.meta.put(GENESIS_DIGEST, digest);
    return made.header;
  }
  const stored = blocks.header(0);
  if (stored === undefined) throw corruptStore("genesis is missing");
  if (database.meta.get(GENESIS_DIGEST)?.equals(digest) !== true) {
    const { header } = await execute();
    if (stored.hash !== header.hash) throw genesisMismatch(stored.hash, header.hash);
    await database.meta.put(GENESIS_DIGEST, digest);
  }
  states.snapshot(head.stateRoot)[Symbol.dispose]();
  return stored;
}
