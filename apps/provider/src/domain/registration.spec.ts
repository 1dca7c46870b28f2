import { PERMIT_TYPES, PROVIDER_REGISTRATION_TYPES, signingDomain } from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import { TypedDataEncoder } from "ethers/hash";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkChallenge, checkRegistration } from "./registration.js";

const ME = `0x${"11".repeat(20)}` as Address;
const REGISTRY = `0x${"ee".repeat(20)}`;
const ZERO = `0x${"00".repeat(32)}`;
const NONCE = `0x${"ab".repeat(32)}`;

function registration(changes: object = {}, chainId = 7n) {
  const message = {
    provider: ME,
    stakeWei: 50,
    capabilitiesHash: ZERO,
    selfTestHash: ZERO,
    nonce: 0,
    deadline: 9,
    ...changes,
  };
  const payload = TypedDataEncoder.getPayload(
    signingDomain(chainId, REGISTRY),
    PROVIDER_REGISTRATION_TYPES,
    message,
  );
  return { name: "registration", typedDataJson: JSON.stringify(payload) };
}

function permit(changes: object = {}) {
  const domain = { name: "Wrapped AIOS", version: "1", chainId: 7n, verifyingContract: ME };
  const message = { owner: ME, spender: REGISTRY, value: 50, nonce: 0, deadline: 9, ...changes };
  return {
    name: "permit",
    typedDataJson: JSON.stringify(TypedDataEncoder.getPayload(domain, PERMIT_TYPES, message)),
  };
}

describe("challenge", () => {
  it("is signed only when it is exactly one for this provider", () => {
    const text = `AiOS provider link\nnonce: ${NONCE}\naddress: ${ME}\nchain: 7`;
    expect(checkChallenge(text, ME)).toEqual({ chainId: 7n });
    for (const other of [
      `${text} `,
      text.replace(ME, REGISTRY),
      text.replace("AiOS", "Evil"),
      text.replace("7", ""),
    ]) {
      expect(() => checkChallenge(other, ME)).toThrow(expect.objectContaining({ code: "signature-refused" }));
    }
    fc.assert(
      fc.property(fc.string(), (anything) => {
        expect(() => checkChallenge(anything, ME)).toThrow(/not signed/);
      }),
    );
  });
});

describe("registration", () => {
  it("gives what to sign, under its names", () => {
    const data = checkRegistration([registration(), permit()], ME, 7n, 50n);
    expect(data.map(({ name }) => name)).toEqual(["registration", "permit"]);
    expect(data.map(({ data: { types } }) => Object.keys(types))).toEqual([
      ["ProviderRegistration"],
      ["Permit"],
    ]);
  });

  it("is refused above the stake limit, for others, another chain, or with anything extra", () => {
    const refused = [
      [registration({ stakeWei: 51 })],
      [registration({ provider: REGISTRY })],
      [registration({}, 8n)],
      [registration(), permit({ value: 51 })],
      [registration(), permit({ spender: ME })],
      [registration(), permit({ owner: REGISTRY })],
      [permit()],
      [registration(), permit(), permit()],
      [{ name: "registration", typedDataJson: "{" }],
    ];
    for (const requests of refused) {
      expect(() => checkRegistration(requests, ME, 7n, 50n)).toThrow(
        expect.objectContaining({ code: "signature-refused" }),
      );
    }
  });
});
