import { PACKET_FAULTS, type PacketFault } from "@aios/core-honor-node/packet-faults";

/** Counts what is refused of peers by its name, and gives them the points that it costs (`PACKET_FAULTS`). */
export class FaultCounter {
  /** By name, with what tells more after it. */
  readonly counts = new Map<string, number>();
  readonly #punish: (peer: string, points: number) => void;
  readonly #onCount: (name: string) => void;

  constructor(
    punish: (peer: string, points: number) => void,
    onCount: (name: string) => void = () => undefined,
  ) {
    this.#punish = punish;
    this.#onCount = onCount;
  }

  /** Something of a peer is refused. `detail`: one of few words. */
  refuse(peer: string, fault: PacketFault, detail?: string): void {
    this.count(fault, detail);
    const points = PACKET_FAULTS[fault];
    if (points > 0) this.#punish(peer, points);
  }

  /** As `refuse`, where the peer has its points, or nobody is to have any. */
  count(fault: PacketFault, detail?: string): void {
    const name = detail === undefined ? fault : `${fault} ${detail}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#onCount(name);
  }
}
