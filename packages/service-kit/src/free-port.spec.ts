import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "./free-port.js";

const servers: ReturnType<typeof createServer>[] = [];

async function listen(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe("a free port", () => {
  it("is below those that the system gives to connections", async () => {
    const port = await freePort();
    expect(port).toBeGreaterThanOrEqual(11_000);
    expect(port).toBeLessThan(20_000);
    await expect(listen(port)).resolves.toBeUndefined();
  });

  it("is another each time, whoever asks at once", async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, () => freePort()));
    expect(new Set(ports).size).toBe(20);
  });

  it("is never one that is listened on", async () => {
    const first = await freePort();
    const taken = Array.from({ length: 5 }, (_, index) => 11_000 + ((first - 11_000 + 1 + index) % 9_000));
    for (const port of taken) await listen(port).catch(() => undefined);
    const given = await Promise.all(Array.from({ length: 5 }, () => freePort()));
    expect(given.filter((port) => taken.includes(port))).toEqual([]);
  });
});
