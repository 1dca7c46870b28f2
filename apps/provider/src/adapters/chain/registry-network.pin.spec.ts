import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { address } from "@aios/kernel/identifiers";
import { Interface } from "ethers/abi";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { RegistryNetworkPin } from "./registry-network.pin.js";

const REGISTRY = address(`0x${"aa".repeat(20)}`);
const abi = new Interface(["function latest(string name) view returns (address)"]);
const never = new AbortController().signal;
const DEPLOYED = {
  JobEscrow: `0x${"e1".repeat(20)}`,
  ProviderRegistry: `0x${"e2".repeat(20)}`,
  ReceiptRegistry: `0x${"e3".repeat(20)}`,
  WrappedAios: `0x${"e4".repeat(20)}`,
};

let server: Server;
let url: string;
let deployed: Record<string, string>;
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method, params } = JSON.parse(Buffer.concat(parts).toString()) as {
      method: string;
      params: [{ to: string; data: string }];
    };
    response.end(JSON.stringify(method === "eth_chainId" ? { result: "0x7" } : answer(params[0])));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server?.close());
beforeEach(() => {
  deployed = { ...DEPLOYED };
});

function answer({ to, data }: { to: string; data: string }): object {
  const found = deployed[String(abi.decodeFunctionData("latest", data)[0])];
  if (to !== REGISTRY || found === undefined) return { error: { message: "execution reverted" } };
  return { result: abi.encodeFunctionResult("latest", [found]) };
}

it("reads the contracts from the registry that the operator named, each time anew", async () => {
  const pin = new RegistryNetworkPin(url, REGISTRY, undefined);
  expect(await pin.network(never)).toEqual({ chainId: 7n, contracts: DEPLOYED });
  const newer = `0x${"f1".repeat(20)}`;
  deployed["JobEscrow"] = newer;
  expect((await pin.network(never)).contracts.JobEscrow).toBe(newer);
});

it("takes no other chain than named, and no network of which a contract is missing", async () => {
  await expect(new RegistryNetworkPin(url, REGISTRY, 8n).network(never)).rejects.toMatchObject({
    code: "network-not-pinned",
  });
  delete deployed["WrappedAios"];
  const unavailable = { code: "chain-unavailable" };
  await expect(new RegistryNetworkPin(url, REGISTRY, 7n).network(never)).rejects.toMatchObject(unavailable);
  const away = new RegistryNetworkPin("http://127.0.0.1:9", REGISTRY, 7n);
  await expect(away.network(never)).rejects.toMatchObject(unavailable);
});
