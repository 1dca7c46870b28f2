import { describe, expect, it } from "vitest";
import { SmallNetwork, transaction } from "../test/small-network.js";

const waiting = transaction(0);

/** A network whose last node has ordered the transaction and executed nothing since. */
function behind(): SmallNetwork {
  const network = new SmallNetwork(4);
  network.runUntil(1_500);
  network.slow.set(3, []);
  network.input(0, { kind: "transactions", transactions: [waiting] });
  for (let until = 2_000; network.ordered[3]?.length === 0 && until < 10_000; until += 100)
    network.runUntil(until);
  return network;
}

const give = (network: SmallNetwork) =>
  network.input(3, { kind: "pooled", transactions: [waiting], isOwn: true });

describe("a transaction that a mempool holds, since it is behind what was ordered", () => {
  it("is not ordered again", () => {
    const network = behind();
    expect(network.ordered[3]).toEqual([waiting.id]);
    expect(give(network)).toEqual([]);
    expect(network.nodes[3]?.pooled).toBe(0);
    network.finishSlow(3);
    network.runUntil(network.nowMs + 5_000);
    for (const ordered of network.ordered) expect(ordered).toEqual([waiting.id]);
  });

  it("is ordered again when execution has left it for later", () => {
    const network = behind();
    network.finishSlow(3);
    expect(give(network)).not.toEqual([]);
    expect(network.nodes[3]?.pooled).toBe(1);
    network.runUntil(network.nowMs + 5_000);
    for (const ordered of network.ordered) expect(ordered).toEqual([waiting.id, waiting.id]);
  });
});
