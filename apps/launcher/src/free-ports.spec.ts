import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { choosePorts } from "./free-ports.js";

describe("choosePorts", () => {
  const squatters: Server[] = [];

  afterEach(async () => {
    for (const squatter of squatters.splice(0)) {
      squatter.close();
      await once(squatter, "close");
    }
  });

  async function squat(port: number): Promise<void> {
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    squatters.push(server);
  }

  test("keeps the wanted ports where they are free", async () => {
    const choices = await choosePorts(
      new Map([
        ["gateway", 30_110],
        ["json-rpc", 30_111],
      ]),
    );
    expect(choices.map(({ port }) => port)).toEqual([30_110, 30_111]);
  });

  test("moves a taken one past what others want, and leaves those where they are", async () => {
    await squat(30_120);
    const choices = await choosePorts(
      new Map([
        ["gateway", 30_120],
        ["json-rpc", 30_121],
      ]),
    );
    expect(choices).toEqual([
      { name: "gateway", wanted: 30_120, port: 30_122 },
      { name: "json-rpc", wanted: 30_121, port: 30_121 },
    ]);
  });
});
