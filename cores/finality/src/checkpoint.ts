import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** What is voted on: it fixes the order of everything new below `tip` and attests the state one height before. */
export interface Checkpoint {
  readonly height: number;
  /** Id of the checkpoint before. */
  readonly parentId: string;
  /** Round in which the parent was certified: the leaders of earlier rounds failed. */
  readonly parentRound: number;
  /** Id of the DAG block whose past, itself included, is ordered. */
  readonly tip: string;
  /** Tick of the tip: chain time, never less than the parent's. */
  readonly tick: number;
  /** State root after the execution of the parent (deferred execution). */
  readonly attestedRoot: string;
  /** Id of the honor set that decides the next height; another one than decides this height is a hand-over. */
  readonly nextSetId: string;
  /**
   * Digest of the colouring of the DAG below the parent's tip, at heights after which nodes may begin (`snapshotInterval`);
   * absent at all others.
   */
  readonly attestedDag?: string | undefined;
}

const ids = new WeakMap<Checkpoint, string>();

/** Id of a checkpoint: SHA-256 over its fields, the last one only where it is there, as hex of 64 digits; hashed once for each object. */
export function checkpointId(checkpoint: Checkpoint): string {
  const known = ids.get(checkpoint);
  if (known !== undefined) return known;
  const { height, parentId, parentRound, tip, tick, attestedRoot, nextSetId, attestedDag } = checkpoint;
  const always = [height, parentId, parentRound, tip, tick, attestedRoot, nextSetId];
  const fields = JSON.stringify(attestedDag === undefined ? always : [...always, attestedDag]);
  const id = bytesToHex(sha256(utf8ToBytes(`aios.checkpoint.v1\n${fields}`)));
  ids.set(checkpoint, id);
  return id;
}
