import { ManualClock } from "@aios/kernel/clock";
import { address } from "@aios/kernel/identifiers";
import { describe, expect, it } from "vitest";
import type { AccessTokens, Session } from "../../src/domain/ports.js";

export interface AccessTokensUnderTest {
  /** Opens them as a gateway does that has just started, on the same key each time. */
  open(clock: ManualClock): Promise<AccessTokens>;
  /** The same over another key. */
  openForeign(clock: ManualClock): Promise<AccessTokens>;
}

const START_MS = 1_800_000_000_000;
const SESSION: Session = {
  sessionId: "s-1",
  account: address(`0x${"a1".repeat(20)}`),
  expiresAtMs: START_MS + 60_000,
};

/** What every `AccessTokens` does. */
export function accessTokensConformance(name: string, subject: AccessTokensUnderTest): void {
  describe(`${name} as AccessTokens`, () => {
    it("reads the session that it wrote, also in another gateway and after a restart", async () => {
      const clock = new ManualClock(START_MS);
      const token = await (await subject.open(clock)).issue(SESSION);
      expect(await (await subject.open(clock)).read(token)).toEqual(SESSION);
    });

    it("says when a session is over, and not before", async () => {
      const clock = new ManualClock(START_MS);
      const tokens = await subject.open(clock);
      const token = await tokens.issue(SESSION);
      clock.advance(59_000);
      expect(await tokens.read(token)).toEqual(SESSION);
      clock.advance(1_000);
      await expect(tokens.read(token)).rejects.toMatchObject({ code: "session-expired" });
    });

    it("takes nobody else's token, none that was changed, and no nonsense", async () => {
      const clock = new ManualClock(START_MS);
      const tokens = await subject.open(clock);
      const own = await tokens.issue(SESSION);
      const foreign = await (await subject.openForeign(clock)).issue(SESSION);
      const [head = "", body = "", signature = ""] = own.split(".");
      const [, otherBody = ""] = (await tokens.issue({ ...SESSION, sessionId: "s-2" })).split(".");
      const changed = [`${head}.${otherBody}.${signature}`, `${head}.${body}.`, own.slice(0, -4)];
      for (const token of [foreign, ...changed, "", "nonsense", "a.b.c"])
        await expect(tokens.read(token)).rejects.toMatchObject({ code: "session-invalid" });
    });
  });
}
