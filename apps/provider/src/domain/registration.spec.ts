import { tokenDomain } from "@aios/core-settlement/permit";
import { PERMIT_TYPES, PROVIDER_REGISTRATION_TYPES, signingDomain } from "@aios/core-settlement/typed-data";
import type { Address } from "@aios/kernel/identifiers";
import { TypedDataEncoder } from "ethers/hash";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PinnedNetwork, parseContracts, requirePinned } from "./network.js";
import { checkChallenge, checkRegistration, requireWithinLimit } from "./registration.js";

const ME = `0x${"11".repeat(20)}` as Address;
const OTHER = `0x${"22".repeat(20)}`;
const at = (byte: string) => `0x${byte.repeat(20)}`;
const NETWORK: PinnedNetwork = {
  chainId: 7n,
  contracts: parseContracts(
    `JobEscrow=${at("e1")}, ProviderRegistry=${at("e2")},ReceiptRegistry=${at("e3")},WrappedAios=${at("e4")}`,
  ),
};
const { ProviderRegistry, WrappedAios } = NETWORK.contracts;
const ZERO = `0x${"00".repeat(32)}`;
const NONCE = `0x${"ab".repeat(32)}`;
const SERVER = "compute.example.org:50061";
const NOW_MS = 1_000_000;
const refused = expect.objectContaining({ code: "signature-refused" });

function registration(changes: object = {}, domain: object = signingDomain(7n, ProviderRegistry)) {
  const message = {
    provider: ME,
    stakeWei: 50,
    capabilitiesHash: ZERO,
    selfTestHash: ZERO,
    nonce: 0,
    deadline: 1_600,
    ...changes,
  };
  const payload = TypedDataEncoder.getPayload(domain, PROVIDER_REGISTRATION_TYPES, message);
  return { name: "registration", typedDataJson: JSON.stringify(payload) };
}

function permit(changes: object = {}, domain: object = tokenDomain(7n, WrappedAios)) {
  const message = { owner: ME, spender: ProviderRegistry, value: 50, nonce: 3, deadline: 1_600, ...changes };
  return {
    name: "permit",
    typedDataJson: JSON.stringify(TypedDataEncoder.getPayload(domain, PERMIT_TYPES, message)),
  };
}

describe("challenge", () => {
  it("is signed only when it is exactly one for this provider, server and network", () => {
    const text = `AiOS provider link\nversion: 2\nnonce: ${NONCE}\naddress: ${ME}\nserver: ${SERVER}\nchain: 7\nescrow: ${NETWORK.contracts.JobEscrow}`;
    expect(() => checkChallenge(text, ME, SERVER, NETWORK)).not.toThrow();
    for (const other of [
      `${text} `,
      `${text}\nserver: ${SERVER}`,
      text.replace(ME, OTHER),
      text.replace("AiOS", "Evil"),
      text.replace("chain: 7", "chain: 77"),
      text.replace(SERVER, "evil.example:50061"),
      text.replace(NETWORK.contracts.JobEscrow, OTHER),
      `AiOS provider link\nnonce: ${NONCE}\naddress: ${ME}\nchain: 7`,
    ]) {
      expect(() => checkChallenge(other, ME, SERVER, NETWORK)).toThrow(refused);
    }
    fc.assert(
      fc.property(fc.string(), (anything) => {
        expect(() => checkChallenge(anything, ME, SERVER, NETWORK)).toThrow(/not signed/);
      }),
    );
  });
});

describe("registration", () => {
  it("gives what to sign, under its names, and what it stakes", () => {
    const { toSign, stake } = checkRegistration([registration(), permit()], ME, NETWORK, NOW_MS);
    expect(toSign.map(({ name }) => name)).toEqual(["registration", "permit"]);
    expect(toSign.map(({ data: { types } }) => Object.keys(types))).toEqual([
      ["ProviderRegistration"],
      ["Permit"],
    ]);
    expect(stake).toEqual({ permitNonce: 3n, stakeWei: 50n });
  });

  it.each([
    ["for another provider", [registration({ provider: OTHER }), permit()]],
    ["on another chain", [registration({}, signingDomain(8n, ProviderRegistry)), permit()]],
    ["with another registry", [registration({}, signingDomain(7n, OTHER)), permit({ spender: OTHER })]],
    [
      "under another domain",
      [registration({}, { ...signingDomain(7n, ProviderRegistry), name: "X" }), permit()],
    ],
    ["of another coin", [registration(), permit({}, tokenDomain(7n, OTHER))]],
    ["of a coin elsewhere", [registration(), permit({}, tokenDomain(8n, WrappedAios))]],
    ["of another version", [registration(), permit({}, { ...tokenDomain(7n, WrappedAios), version: "2" })]],
    ["with a larger permit", [registration(), permit({ value: 51 })]],
    ["with a smaller permit", [registration(), permit({ value: 49 })]],
    ["with another spender", [registration(), permit({ spender: ME })]],
    ["of another owner", [registration(), permit({ owner: OTHER })]],
    ["good for long", [registration({ deadline: 4_601 }), permit()]],
    ["with a permit good for long", [registration(), permit({ deadline: 4_601 })]],
    ["without a permit", [registration()]],
    ["that is a permit alone", [permit()]],
    ["with two permits", [registration(), permit(), permit()]],
    ["that is two", [registration(), registration()]],
    ["that is not JSON", [{ name: "registration", typedDataJson: "{" }, permit()]],
  ])("is refused %s", (_what, requests) => {
    expect(() => checkRegistration(requests, ME, NETWORK, NOW_MS)).toThrow(refused);
  });

  it("never brings what was signed away in all above the limit, however often the same stake is signed", () => {
    const signed = [
      { permitNonce: 0n, stakeWei: 60n },
      { permitNonce: 1n, stakeWei: 30n },
    ];
    expect(() => requireWithinLimit(signed, { permitNonce: 2n, stakeWei: 10n }, 100n)).not.toThrow();
    expect(() => requireWithinLimit(signed, { permitNonce: 2n, stakeWei: 11n }, 100n)).toThrow(refused);
    expect(() => requireWithinLimit(signed, { permitNonce: 1n, stakeWei: 40n }, 100n)).not.toThrow();
  });
});

describe("pinned network", () => {
  it("is the only one that a provider is welcomed into", () => {
    const contracts: Record<string, string> = { ...NETWORK.contracts, ModelLicence: OTHER };
    expect(() => requirePinned(NETWORK, { chainId: 7, contracts })).not.toThrow();
    const pinned = expect.objectContaining({ code: "network-not-pinned" });
    expect(() => requirePinned(NETWORK, { chainId: 8, contracts })).toThrow(pinned);
    for (const name of Object.keys(NETWORK.contracts)) {
      const other = { ...contracts, [name]: OTHER };
      expect(() => requirePinned(NETWORK, { chainId: 7, contracts: other })).toThrow(pinned);
      const without = Object.fromEntries(Object.entries(contracts).filter(([key]) => key !== name));
      expect(() => requirePinned(NETWORK, { chainId: 7, contracts: without })).toThrow(pinned);
    }
  });

  it("names every contract once", () => {
    for (const text of ["", `JobEscrow=${OTHER}`, `JobEscrow=${OTHER},JobEscrow=${OTHER}`, "JobEscrow"]) {
      expect(() => parseContracts(text)).toThrow(RangeError);
    }
  });
});
