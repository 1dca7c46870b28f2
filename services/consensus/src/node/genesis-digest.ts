import { createHash } from "node:crypto";
import { toHex } from "@aios/core-rlp/hex";
import type { Genesis } from "../domain/genesis.js";

const CHUNK_CHARS = 65_536;

/**
 * Names all that block 0 is made of: who finds the digest of an earlier start need not make the block again. That of the
 * file where it comes from one. The same content in another order may give another digest, which costs that work and
 * nothing else.
 */
export function genesisDigest({ alloc, fileDigest, ...rules }: Genesis): Buffer {
  if (fileDigest !== undefined) return Buffer.from(fileDigest);
  const hash = createHash("sha256");
  hash.update(JSON.stringify(rules, (_, value) => (typeof value === "bigint" ? `${value}n` : value)));
  let chunk = "";
  for (const [owner, { balance, nonce, code, storage }] of alloc) {
    chunk += `\n${owner} ${balance.toString(16)} ${nonce.toString(16)} ${code.length === 0 ? "" : toHex(code)}`;
    for (const [slot, value] of storage) chunk += ` ${slot}=${toHex(value)}`;
    if (chunk.length < CHUNK_CHARS) continue;
    hash.update(chunk);
    chunk = "";
  }
  return hash.update(chunk).digest();
}
