import { createServer, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fetchBytes } from "./files.js";

let server: Server;
let url = "";
/** What is answered by path. */
const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "/bytes": (response) => response.end("powers"),
  "/moved": (response) => response.writeHead(302, { location: "/bytes" }).end(),
  "/round": (response) => response.writeHead(302, { location: "/round" }).end(),
  "/file": (response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/data": (response) => response.writeHead(302, { location: "data:text/plain,x" }).end(),
  "/silent": () => undefined,
  "/stops": (response) => response.write("pow"),
  "/endless": (response) => {
    const more = (): void => {
      if (!response.destroyed) response.write("powers", () => setImmediate(more));
    };
    more();
  },
};
beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = ANSWERS[request.url ?? ""];
    if (answer === undefined) response.writeHead(404).end();
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const LIMITS = { mostBytes: 6 };

it("fetches a body, also from where an answer leads to", async () => {
  for (const path of ["/bytes", "/moved"])
    expect(new TextDecoder().decode(await fetchBytes(`${url}${path}`, LIMITS))).toBe("powers");
});

it.each([
  ["a body that is too long", "/bytes", { mostBytes: 5 }, "file-too-large"],
  ["a body without an end", "/endless", LIMITS, "file-too-large"],
  ["a redirect to a file", "/file", LIMITS, "address-refused"],
  ["a redirect to data", "/data", LIMITS, "address-refused"],
  ["redirects without an end", "/round", LIMITS, "address-unreachable"],
  ["an answer that never begins", "/silent", { ...LIMITS, idleMs: 50 }, "address-unreachable"],
  ["an answer that stops", "/stops", { ...LIMITS, idleMs: 50 }, "address-unreachable"],
  ["an answer that takes too long", "/endless", { mostBytes: 10 ** 9, withinMs: 50 }, "address-unreachable"],
  ["nothing", "/nothing", LIMITS, "address-unreachable"],
])("refuses %s", async (_, path, limits, code) => {
  await expect(fetchBytes(`${url}${path}`, limits)).rejects.toMatchObject({ code });
});

it("fetches nothing by another scheme", async () => {
  for (const address of ["file:///etc/passwd", "ftp://127.0.0.1/powers", "powers"])
    await expect(fetchBytes(address, LIMITS)).rejects.toMatchObject({ code: "address-refused" });
});
