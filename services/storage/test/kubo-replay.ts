import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CHUNK_BYTES, MAX_CHILDREN } from "@aios/core-content-id/content-id";
import { decode } from "@ipld/dag-pb";
import { MemoryBlockstore } from "blockstore-core";
import { importBytes } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { CID } from "multiformats/cid";

export interface RecordedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/**
 * Kubo's answers on the wire, with places for what differs from call to call. The form is that of Kubo 0.39: its RPC
 * reference (docs.ipfs.tech/reference/kubo/rpc), the types that its commands emit (`core/commands/add.go`, `pin/pin.go`,
 * `repo.go`, `version.go`) and the error of go-ipfs-cmds (`http/errors.go`); they are written from these, not recorded.
 * Where `KUBO_RPC_URL` names a node, the same suite runs against it.
 */
export const ANSWERS = {
  version: json({
    Version: "0.39.0",
    Commit: "2896aed",
    Repo: "18",
    System: "amd64/linux",
    Golang: "go1.25.4",
  }),
  added: (cid: string, sizeBytes: number) => streamed({ Name: cid, Hash: cid, Size: String(sizeBytes) }),
  pinned: (cid: string) => streamed({ Pins: [cid] }),
  unpinned: (cid: string) => json({ Pins: [cid] }),
  pin: (cid: string) => streamed({ Cid: cid, Type: "recursive" }),
  block: (bytes: Uint8Array): RecordedAnswer => ({
    status: 200,
    headers: { "content-type": "text/plain", "x-stream-output": "1", trailer: "X-Stream-Error" },
    body: bytes,
  }),
  repoSize: (repoSize: number, storageMax: number) =>
    json({ RepoSize: repoSize, StorageMax: storageMax, NumObjects: 0, RepoPath: "", Version: "" }),
  collected: (cids: readonly string[]) => streamed(...cids.map((cid) => ({ Key: { "/": cid } }))),
  notPinned: (cid: string) => failed(`path '${cid}' is not pinned`),
  notPinnedToRemove: failed("not pinned or pinned indirectly"),
  notHere: (cid: string) => failed(`block was not found locally (offline): ipld: could not find ${cid}`),
  diskFull: failed("write /data/ipfs/blocks/put-123: no space left on device"),
  forbidden: { status: 403, headers: { "content-type": "text/plain" }, body: "403 - Forbidden\n" },
} as const;

function json(value: object): RecordedAnswer {
  return { status: 200, headers: { "content-type": "application/json" }, body: `${JSON.stringify(value)}\n` };
}

function streamed(...values: readonly object[]): RecordedAnswer {
  return {
    status: 200,
    headers: { "content-type": "application/json", "x-chunked-output": "1", trailer: "X-Stream-Error" },
    body: values.map((value) => `${JSON.stringify(value)}\n`).join(""),
  };
}

function failed(message: string): RecordedAnswer {
  return {
    status: 500,
    headers: { "content-type": "application/json" },
    body: `${JSON.stringify({ Message: message, Code: 0, Type: "error" })}\n`,
  };
}

/** Plays Kubo's side from `ANSWERS`, over blocks and pins in memory that outlive the adapter. */
export class KuboReplay {
  readonly blocks = new MemoryBlockstore();
  readonly pins = new Set<string>();
  readonly calls: URL[] = [];
  readonly authorizations: (string | undefined)[] = [];
  storageMaxBytes = 2 ** 40;
  /** Answers these commands in another way: the answer, or undefined for none at all. */
  readonly instead = new Map<string, RecordedAnswer | undefined>();
  #server: Server | undefined;
  url = "";

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://kubo");
    const command = url.pathname.replace("/api/v0/", "");
    this.calls.push(url);
    this.authorizations.push(request.headers.authorization);
    let body: Buffer;
    try {
      body = Buffer.concat(await request.toArray());
    } catch {
      return; // The caller broke off.
    }
    const answer = this.instead.has(command)
      ? this.instead.get(command)
      : request.method === "POST"
        ? await this.#answer(command, url.searchParams, body)
        : { status: 405, body: "405 - Method Not Allowed\n" };
    if (answer === undefined) return;
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  async #answer(command: string, options: URLSearchParams, body: Buffer): Promise<RecordedAnswer> {
    const cid = options.get("arg") ?? "";
    switch (command) {
      case "version":
        return ANSWERS.version;
      case "add":
        return this.#add(options, body);
      case "pin/add":
        if (!(await this.#holds(cid))) return ANSWERS.notHere(cid);
        this.pins.add(cid);
        return ANSWERS.pinned(cid);
      case "pin/rm":
        return this.pins.delete(cid) ? ANSWERS.unpinned(cid) : ANSWERS.notPinnedToRemove;
      case "pin/ls":
        return this.pins.has(cid) ? ANSWERS.pin(cid) : ANSWERS.notPinned(cid);
      case "block/get":
        return (await this.#holds(cid))
          ? ANSWERS.block(await this.#block(CID.parse(cid)))
          : ANSWERS.notHere(cid);
      case "repo/stat":
        return ANSWERS.repoSize(await this.#sizeBytes(), this.storageMaxBytes);
      case "repo/gc":
        return ANSWERS.collected(await this.#collect());
      default:
        return { status: 404, body: "404 page not found\n" };
    }
  }

  async #add(options: URLSearchParams, body: Buffer): Promise<RecordedAnswer> {
    const expected = { "cid-version": "1", "raw-leaves": "true", "max-file-links": String(MAX_CHILDREN) };
    const isAsked = Object.entries(expected).every(([name, value]) => options.get(name) === value);
    if (!isAsked || options.get("chunker") !== `size-${CHUNK_BYTES}`) return failed("unexpected options");
    const start = body.indexOf("\r\n\r\n") + 4;
    const bytes = body.subarray(start, body.lastIndexOf("\r\n--"));
    const { cid } = await importBytes(bytes, this.blocks, {
      cidVersion: 1,
      rawLeaves: true,
      reduceSingleLeafToSelf: true,
      chunker: fixedSize({ chunkSize: CHUNK_BYTES }),
      layout: balanced({ maxChildrenPerNode: MAX_CHILDREN }),
    });
    if (options.get("pin") !== "false") this.pins.add(cid.toString());
    return ANSWERS.added(cid.toString(), bytes.length);
  }

  async #holds(cid: string): Promise<boolean> {
    return this.blocks.has(CID.parse(cid));
  }

  async #block(cid: CID): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of this.blocks.get(cid)) parts.push(part);
    return Buffer.concat(parts);
  }

  async #sizeBytes(): Promise<number> {
    let size = 0;
    for await (const { cid } of this.blocks.getAll()) size += (await this.#block(cid)).length;
    return size;
  }

  /** Deletes what no pin reaches; only whole files are pinned here, whose blocks are those that lie below. */
  async #collect(): Promise<string[]> {
    const needed = new Set<string>();
    for (const pin of this.pins) await this.#reach(CID.parse(pin), needed);
    const gone: CID[] = [];
    for await (const { cid } of this.blocks.getAll()) if (!needed.has(hashOf(cid))) gone.push(cid);
    for (const cid of gone) await this.blocks.delete(cid);
    return gone.map(String);
  }

  async #reach(cid: CID, needed: Set<string>): Promise<void> {
    needed.add(hashOf(cid));
    if (cid.code !== DAG_PB) return;
    for (const { Hash } of decode(await this.#block(cid)).Links) await this.#reach(Hash, needed);
  }
}

const DAG_PB = 0x70;

function hashOf(cid: CID): string {
  return Buffer.from(cid.multihash.bytes).toString("hex");
}
