import { runOwn } from "./own-run.js";
import { runPeer } from "./peer-run.js";
import type { Outcome, Scenario } from "./scenario.js";

function difference(own: Outcome, peer: Outcome): string | undefined {
  for (const [index, effect] of own.effects.entries()) {
    const theirs = peer.effects[index];
    for (const field of ["status", "gasUsed", "output", "created", "logs"] as const) {
      const [a, b] = [JSON.stringify(effect[field]), JSON.stringify(theirs?.[field])];
      if (a !== b) return `transaction ${index}: ${field} ${a}, the peer's ${b}`;
    }
  }
  return own.root === peer.root ? undefined : `state root ${own.root}, the peer's ${peer.root}`;
}

/** The first difference between the two engines, and between the two loops of ours. */
export async function differ(scenario: Scenario): Promise<string | undefined> {
  const own = runOwn(scenario);
  const traced = difference(runOwn(scenario, {}), own);
  if (traced !== undefined) return `with a tracer ${traced}`;
  const peer = await runPeer(scenario);
  const found = difference(own, peer);
  if (found === undefined) return undefined;
  const refusals = [
    ...own.refusals.map((why) => `own: ${why}`),
    ...peer.refusals.map((why) => `peer: ${why}`),
  ];
  return [found, ...refusals].join("\n  ");
}
