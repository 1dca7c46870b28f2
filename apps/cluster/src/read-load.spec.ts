import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { readFor } from "./read-load.js";

/** A server that answers the n-th request with the n-th status, and 200 after them; 0 cuts the connection. */
async function answering(...statuses: readonly number[]): Promise<string> {
  const waiting = [...statuses];
  const server: Server = createServer((request, response) => {
    const status = waiting.shift() ?? 200;
    if (status === 0) request.socket.destroy();
    else response.writeHead(status).end("said so");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Says yes `count` times. */
function times(count: number): () => boolean {
  let left = count;
  return () => left-- > 0;
}

describe("readFor", () => {
  it("counts what was answered", async () => {
    const report = await readFor({ url: await answering(), goesOn: times(6), clients: 2 });
    expect(report).toMatchObject({ answered: 6, failed: 0, failures: [] });
    expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms);
  });

  it("fails on errors of the platform and on lost connections, not on refusals", async () => {
    const url = await answering(503, 429, 404, 0, 503);
    const report = await readFor({ url, goesOn: times(7), clients: 1 });
    expect(report).toMatchObject({ answered: 4, failed: 3 });
    expect(report.failures).toHaveLength(2);
    expect(report.failures[0]).toBe("503 said so");
  });
});
