import { Agent, createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { closeConnectionsWithAnswers, HttpCutOff } from "./http-drain.js";

let server: Server;
let agent: Agent;
let leaving: AbortController;
/** Lets the answers of `/slow` go. */
let release: () => void;

beforeEach(async () => {
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
  leaving = new AbortController();
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  server = createServer((asked, answer) => {
    if (asked.url === "/endless") return void answer.write("and so on");
    if (asked.url === "/slow") return void released.then(() => answer.end("slow"));
    answer.end("quick");
  });
  closeConnectionsWithAnswers(server, leaving.signal);
});

afterEach(() => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
});

async function listen(): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly connection: string | undefined;
  readonly localPort: number | undefined;
  readonly body: string;
}

async function get(port: number, path: string, onSent?: () => void): Promise<Answer> {
  let localPort: number | undefined;
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({ port, path, agent, host: "127.0.0.1" }, resolve);
    sent.on("error", reject);
    sent.on("socket", (socket) => {
      const note = (): void => {
        localPort = socket.localPort;
        onSent?.();
      };
      if (socket.connecting) socket.once("connect", note);
      else note();
    });
    sent.end();
  });
  return { connection: message.headers.connection, localPort, body: await text(message) };
}

describe("a server that is left", () => {
  it("keeps connections before, and closes each with its next answer after", async () => {
    const port = await listen();
    const first = await get(port, "/");
    const second = await get(port, "/");
    expect(second).toMatchObject({ connection: "keep-alive", localPort: first.localPort });
    leaving.abort();
    const last = await get(port, "/");
    expect(last).toMatchObject({ connection: "close", localPort: first.localPort, body: "quick" });
    // It still accepts whoever has not heard of it.
    const other = await get(port, "/");
    expect(other).toMatchObject({ connection: "close", body: "quick" });
    expect(other.localPort).not.toBe(first.localPort);
  });

  it("says so with answers that it owed at that moment", async () => {
    const port = await listen();
    const asked = new Promise<void>((resolve) => server.once("request", () => resolve()));
    const owed = get(port, "/slow");
    await asked;
    leaving.abort();
    release();
    expect(await owed).toMatchObject({ connection: "close", body: "slow" });
  });
});

describe("the cut-off", () => {
  const closed = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

  it("waits for a running request, and not for the limit", async () => {
    const cutOff = new HttpCutOff(server);
    const port = await listen();
    const asked = new Promise<void>((resolve) => server.once("request", () => resolve()));
    const owed = get(port, "/slow");
    await asked;
    leaving.abort();
    const done = cutOff.during(closed, 600_000);
    release();
    expect((await owed).body).toBe("slow");
    await done;
  });

  it("ends what has no end: an open answer, and a connection that was upgraded", async () => {
    const cutOff = new HttpCutOff(server);
    server.on("upgrade", (_request, socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    const port = await listen();
    const begun = new Promise<void>((resolve) => server.once("request", () => resolve()));
    const endless = expect(get(port, "/endless")).rejects.toThrow();
    const upgraded = connect(port, "127.0.0.1");
    const answered = new Promise<void>((resolve) => upgraded.once("data", () => resolve()));
    const gone = new Promise<void>((resolve) => upgraded.once("close", () => resolve()));
    upgraded.on("error", () => undefined);
    upgraded.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    await answered;
    await begun;
    await cutOff.during(closed, 1);
    await Promise.all([endless, gone]);
  });
});
