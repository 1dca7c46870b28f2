import { expect } from "vitest";
import { eventually } from "./eventually.js";

/** What an adapter talks to: a process, or a server that plays one. */
export interface Peer {
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Starts it again on the same address and data. */
  restart(): Promise<void>;
}

const BACK_WITHIN_MS = 30_000;

/**
 * Asks before, during and after an outage. While the peer is away the answer is a coded refusal of kind `unavailable`;
 * once it is back it is the one from before.
 */
export async function expectOutageSurvived(
  peer: Peer,
  ask: () => Promise<unknown>,
  code = "peer-unavailable",
): Promise<void> {
  const before = await ask();
  await peer.kill();
  try {
    await expect(ask()).rejects.toMatchObject({ code, kind: "unavailable" });
  } finally {
    await peer.restart();
  }
  expect(await eventually(ask, BACK_WITHIN_MS)).toEqual(before);
}
