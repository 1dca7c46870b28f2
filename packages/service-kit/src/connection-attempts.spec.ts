import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { ContentServiceService } from "@aios/proto/aios/storage/v1/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { limitConnectionAttempts } from "./connection-attempts.js";
import { createGrpcClient } from "./grpc-client.js";

const LISTENER = `
  const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () =>
    console.log(server.address().port));`;
/** How many a queue of that length holds on Linux. */
const WAITING = 2;

/** A peer that takes nothing from the network any more: packets that begin a connection are lost, as through a cut cable. */
describe.skipIf(process.platform !== "linux")("an attempt to connect to where packets are lost", () => {
  const waiting: Socket[] = [];
  let peer: ChildProcess;
  let port: number;
  let limit: Disposable;

  beforeAll(async () => {
    peer = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface(peer.stdout as NodeJS.ReadableStream), "line");
    port = Number(line);
    peer.kill("SIGSTOP");
    limit = limitConnectionAttempts(300);
    while (waiting.length < WAITING) {
      const socket = connect(port, "127.0.0.1");
      waiting.push(socket);
      await once(socket, "connect");
    }
  });

  afterAll(async () => {
    limit[Symbol.dispose]();
    for (const socket of waiting) socket.destroy();
    peer.kill("SIGKILL");
    await once(peer, "close");
  });

  it("ends with the time, and says so", async () => {
    const failure = once(connect(port, "127.0.0.1"), "close");
    await expect(failure).rejects.toMatchObject({ code: "ETIMEDOUT", syscall: "connect" });
  });

  it("lets a call know that the peer is away, long before its own deadline", async () => {
    using client = createGrpcClient(ContentServiceService, `127.0.0.1:${port}`, { audience: "storage" });
    await expect(client.statContent({ cid: "x" }, { deadlineMs: 60_000 })).rejects.toMatchObject({
      code: "peer-unavailable",
    });
  });

  it("leaves what is connected alone", () => {
    for (const socket of waiting) expect(socket.destroyed).toBe(false);
  });
});
