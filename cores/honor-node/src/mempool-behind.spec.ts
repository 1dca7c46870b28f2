import { describe, expect, it } from "vitest";
import { SmallNetwork } from "../test/small-network.js";
import type { OrderedTransaction } from "./dag-block.js";

const transaction: OrderedTransaction = {
  id: "0-0",
  sender: `0x${"1".padStart(40, "a")}`,
  nonce: 0,
  gasLimit: 21_000,
  payload: new Uint8Array(0),
};

/** A network whose last node has ordered the transaction and executed nothing since. */
function behind(): SmallNetwork {
  const network = new SmallNetwork(4);
  network.runUntil(1_500);
  network.slow.set(3, []);
  network.input(0, { kind: "transactions", transactions: [transaction] });
  for (let until = 2_000; network.ordered[3]?.length === 0 && until < 10_000; until += 100)
    network.runUntil(until);
  return network;
}

const give = (network: SmallNetwork) =>
  network.input(3, { kind: "pooled", transactions: [transaction], isOwn: true });

describe("a transaction that a mempool holds, since it is behind what was ordered", () => {
  it("is not ordered again", () => {
    const network = behind();
    expect(network.ordered[3]).toEqual([transaction.id]);
    expect(give(network)).toEqual([]);
    expect(network.nodes[3]?.pooled).toBe(0);
    network.finishSlow(3);
    network.runUntil(network.nowMs + 5_000);
    for (const ordered of network.ordered) expect(ordered).toEqual([transaction.id]);
  });

  it("is ordered again when execution has left it for later", () => {
    const network = behind();
    network.finishSlow(3);
    expect(give(network)).not.toEqual([]);
    expect(network.nodes[3]?.pooled).toBe(1);
    network.runUntil(network.nowMs + 5_000);
    for (const ordered of network.ordered) expect(ordered).toEqual([transaction.id, transaction.id]);
  });
});
