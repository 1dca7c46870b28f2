import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};
const LARGEST_TOTAL_BYTES = 16 * 1024 * 1024;
const COMPRESSIBLE = /^(text\/|application\/(json|wasm|manifest)|image\/svg)/;

interface StaticFile {
  readonly type: string;
  readonly etag: string;
  readonly immutable: boolean;
  readonly plain: Buffer;
  readonly gzip: Buffer | undefined;
  readonly brotli: Buffer | undefined;
}

/** The built studio, read and compressed once. Only what was there at the start is ever served: no path reaches the disk. */
export async function loadStaticFiles(directory: string): Promise<ReadonlyMap<string, StaticFile>> {
  const files = new Map<string, StaticFile>();
  let total = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(path)];
    if (type === undefined) continue;
    const plain = await readFile(path);
    total += plain.length;
    if (total > LARGEST_TOTAL_BYTES)
      throw new RangeError(`${directory} holds more than ${LARGEST_TOTAL_BYTES} bytes of files to serve`);
    const url = `/${relative(directory, path).split(sep).join("/")}`;
    const small = COMPRESSIBLE.test(type) && plain.length > 512;
    files.set(url, {
      type,
      etag: `"${createHash("sha256").update(plain).digest("hex").slice(0, 32)}"`,
      immutable: url.startsWith("/assets/"),
      plain,
      gzip: small ? await promisify(gzip)(plain, { level: 9 }) : undefined,
      brotli: small
        ? await promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
        : undefined,
    });
  }
  return files;
}

/** Serves the files below `/`; a page is served without its ending too, and `/` itself is `index.html`. */
export function serveStaticFiles(fastify: FastifyInstance, files: ReadonlyMap<string, StaticFile>): void {
  for (const [url, file] of files) {
    const page = url === "/index.html" ? "/" : url.endsWith(".html") ? url.slice(0, -".html".length) : url;
    const urls = page === url ? [url] : [page, url];
    for (const each of urls) fastify.get(each, (request, reply) => answer(request, reply, file));
  }
}

function answer(request: FastifyRequest, reply: FastifyReply, file: StaticFile): FastifyReply {
  void reply.headers({
    "content-type": file.type,
    etag: file.etag,
    vary: "accept-encoding",
    "cache-control": file.immutable ? "public, max-age=31536000, immutable" : "no-cache",
  });
  if (request.headers["if-none-match"] === file.etag) return reply.status(304).send();
  const accepted = String(request.headers["accept-encoding"] ?? "");
  if (file.brotli !== undefined && /\bbr\b/.test(accepted))
    return reply.header("content-encoding", "br").send(file.brotli);
  if (file.gzip !== undefined && /\bgzip\b/.test(accepted))
    return reply.header("content-encoding", "gzip").send(file.gzip);
  return reply.send(file.plain);
}
