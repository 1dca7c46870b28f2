import { describe, expect, it } from "vitest";
import { mayOperate } from "./operator-policy.js";

const OPERATOR = `0x${"0a".repeat(20)}`;
const cluster = { accounts: new Set([OPERATOR]), listenHost: "0.0.0.0", loopbackOperator: false };
const local = { accounts: new Set<string>(), listenHost: "127.0.0.1", loopbackOperator: true };
const open = { accounts: new Set<string>(), listenHost: "0.0.0.0", loopbackOperator: true };
const visit = { account: undefined, host: "127.0.0.1:8080", forwarded: false };

describe("who may operate", () => {
  it("is nobody by default", () => {
    const byDefault = { ...local, loopbackOperator: false };
    expect(mayOperate(byDefault, { ...visit, account: OPERATOR })).toBe(false);
    // What a proxy on the same machine sends that adds no header and puts its own target as Host.
    expect(mayOperate(byDefault, visit)).toBe(false);
  });

  it("is an operator's account, however it is written, and no other", () => {
    expect(mayOperate(cluster, { ...visit, account: OPERATOR.toUpperCase().replace("0X", "0x") })).toBe(true);
    expect(mayOperate(cluster, { ...visit, account: `0x${"0b".repeat(20)}` })).toBe(false);
  });

  it.each(["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "localhost"])(
    "is whoever sits at the machine (%s)",
    (host) => {
      expect(mayOperate(local, { ...visit, host })).toBe(true);
    },
  );

  it.each(["evil.example:8080", "127.0.0.1.evil.example", "", undefined])(
    "is no page of a foreign name that resolves to this machine (%s)",
    (host) => {
      expect(mayOperate(local, { ...visit, host })).toBe(false);
    },
  );

  it("is nobody without an account at a gateway that others reach", () => {
    expect(mayOperate(open, visit)).toBe(false);
  });

  it("is nobody behind a proxy without an account", () => {
    expect(mayOperate(local, { ...visit, forwarded: true })).toBe(false);
  });
});
