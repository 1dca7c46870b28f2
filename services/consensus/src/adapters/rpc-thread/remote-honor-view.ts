import type { HonorView } from "../../domain/honor-view.js";
import type { NodeChannel } from "./node-channel.js";

/** The protocol that the node takes part in, asked from another thread. */
export class RemoteHonorView implements HonorView {
  constructor(private readonly channel: Pick<NodeChannel, "ask">) {}

  status(): ReturnType<HonorView["status"]> {
    return this.channel.ask("status", []);
  }

  dag(fromTick: number, toTick: number): ReturnType<HonorView["dag"]> {
    return this.channel.ask("dag", [fromTick, toTick]);
  }

  decision(height: number): ReturnType<HonorView["decision"]> {
    return this.channel.ask("decision", [height]);
  }

  honorSet(number?: number): ReturnType<HonorView["honorSet"]> {
    return this.channel.ask("honorSet", [number]);
  }

  handOvers(fromSet: number, limit: number): ReturnType<HonorView["handOvers"]> {
    return this.channel.ask("handOvers", [fromSet, limit]);
  }

  place(transaction: string): ReturnType<HonorView["place"]> {
    return this.channel.ask("place", [transaction]);
  }
}
