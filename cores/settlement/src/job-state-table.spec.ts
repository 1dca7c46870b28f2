import { describe, expect, it } from "vitest";
import {
  type EscrowState,
  isTerminal,
  JOB_ACTIONS,
  JOB_STATES,
  JOB_TRANSITIONS,
  nextState,
} from "./job-state-table.js";

describe("JOB_TRANSITIONS", () => {
  it("leads from every state to an end, and ends are Settled and Refunded only", () => {
    expect(JOB_STATES.filter(isTerminal)).toEqual(["Settled", "Refunded"]);
    const reachesEnd = new Set<EscrowState>(["Settled", "Refunded"]);
    for (let round = 0; round < JOB_STATES.length; round++) {
      for (const { from, to } of JOB_TRANSITIONS) if (reachesEnd.has(to)) reachesEnd.add(from);
    }
    expect([...reachesEnd].sort()).toEqual([...JOB_STATES].sort());
  });

  it("lets anyone end every state that holds money, by time alone", () => {
    const byTime = JOB_TRANSITIONS.filter(
      ({ action }) => action.startsWith("refund-") || action === "window-ends",
    );
    expect(byTime.every(({ actor }) => actor === "anyone")).toBe(true);
    expect(byTime.map(({ from }) => from).sort()).toEqual(["Delivered", "Funded", "Leased", "Pending"]);
  });

  it("has one row for a state and an action, and uses every action", () => {
    const keys = JOB_TRANSITIONS.map(({ from, action }) => `${from} ${action}`);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(JOB_TRANSITIONS.map(({ action }) => action))).toEqual(new Set(JOB_ACTIONS));
  });

  it("answers nextState", () => {
    expect(nextState("Delivered", "verify-final")).toBe("Settled");
    expect(nextState("Settled", "verify-final")).toBeUndefined();
  });
});
