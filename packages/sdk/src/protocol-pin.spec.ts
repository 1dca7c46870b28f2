import { expect, it } from "vitest";
import type { Protocol } from "./api-types.js";
import { AiosClient } from "./client.js";
import { pinnedProtocol } from "./protocol-pin.js";
import { privateKeySigner } from "./wallet.js";

const at = (digit: string) => `0x${digit.repeat(40)}`;
const protocol: Protocol = {
  chainId: 7,
  jsonRpcUrl: "",
  contracts: { JobEscrow: at("A"), WrappedAios: at("b"), ModelLicence: at("c") },
  accounts: { matcher: at("d") },
  protocolFeeBps: 0,
  challengeWindowSeconds: 0,
};
const pin = { chainId: 7, contracts: { JobEscrow: at("a"), WrappedAios: at("b") }, matcher: at("D") };
const notPinned = expect.objectContaining({ code: "protocol-not-pinned" });

it("leaves of what the gateway names the pinned contracts only", () => {
  expect(pinnedProtocol(protocol, pin)).toEqual({ ...protocol, contracts: pin.contracts });
});

it("refuses another chain, contract or matcher", () => {
  expect(() => pinnedProtocol({ ...protocol, chainId: 8 }, pin)).toThrow(notPinned);
  const contracts = { ...protocol.contracts, WrappedAios: at("e") };
  expect(() => pinnedProtocol({ ...protocol, contracts }, pin)).toThrow(notPinned);
  expect(() => pinnedProtocol({ ...protocol, contracts: { JobEscrow: at("a") } }, pin)).toThrow(notPinned);
  expect(() => pinnedProtocol({ ...protocol, accounts: { matcher: at("e") } }, pin)).toThrow(notPinned);
  expect(() => pinnedProtocol(protocol, { ...pin, matcher: undefined })).not.toThrow();
});

it("stands before every review of a client that has a pin", async () => {
  const signed: string[] = [];
  const signer = privateKeySigner(`0x${"7".repeat(64)}`);
  const client = new AiosClient({
    baseUrl: "http://gateway.example",
    pin: { ...pin, chainId: 8 },
    signer: {
      ...signer,
      signTypedData: async (data) => {
        signed.push(data.primaryType);
        return signer.signTypedData(data);
      },
    },
    fetch: async (url) => {
      const { pathname } = new URL(String(url));
      if (pathname === "/v1/protocol") return Response.json(protocol);
      return Response.json({ nonce: "abcdefgh12", domain: "gateway.example", chainId: 7, accessToken: "t" });
    },
  });
  await expect(
    client.jobs.prepare({ inference: { modelId: 1, input: new Uint8Array(1) }, priceCapWei: 1n } as never),
  ).rejects.toMatchObject({ code: "protocol-not-pinned" });
  expect(signed).toEqual([]);
});
