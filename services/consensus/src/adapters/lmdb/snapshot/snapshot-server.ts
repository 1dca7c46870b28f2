import type { SnapshotPacket } from "@aios/core-honor-node/packet-codec";
import type { SnapshotDirectory } from "./snapshot-directory.js";

/** Answers peers that ask for the latest snapshot, and for its parts. */
export class SnapshotServer {
  readonly #directory: SnapshotDirectory;

  constructor(directory: SnapshotDirectory) {
    this.#directory = directory;
  }

  /** Undefined where there is nothing to answer. */
  answer(packet: SnapshotPacket): SnapshotPacket | undefined {
    if (packet.kind === "snapshot-request") {
      const height = this.#directory.heights.at(-1);
      const index = height === undefined ? undefined : this.#directory.index(height);
      return { kind: "snapshot-index", index: index ?? new Uint8Array(0) };
    }
    if (packet.kind !== "snapshot-part-request") return undefined;
    const { height, part } = packet;
    const bytes = this.#directory.part(height, part);
    return bytes === undefined ? undefined : { kind: "snapshot-part", height, part, bytes };
  }
}
