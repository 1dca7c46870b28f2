import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  generateSealingKeyPair,
  openKey,
  type SealedKey,
  type SealingKeyPair,
  sealingPublicKey,
} from "@aios/core-sealing/sealed-key";
import type { Rng } from "@aios/kernel/random";
import { systemKeyAgreement } from "@aios/service-kit/system-key-agreement";
import { badWrappingKeyFile } from "../../domain/errors.js";
import type { WrappingKey } from "../../domain/ports.js";

const FILE = "content-wrapping-key.json";
const OWNER_ONLY = 0o600;

/** The service's X25519 pair in a file that only its own user may read; made at the first start. */
export async function loadWrappingKey(directory: string, rng: Rng): Promise<WrappingKey> {
  const file = join(directory, FILE);
  const pair = (await readPair(file)) ?? (await createPair(directory, file, rng));
  return {
    keyId: createHash("sha256").update(pair.publicKey).digest("hex").slice(0, 16),
    publicKey: pair.publicKey,
    open: (sealed: SealedKey, context: string) =>
      openKey(sealed, pair.privateKey, context, systemKeyAgreement),
  };
}

async function readPair(file: string): Promise<SealingKeyPair | undefined> {
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) throw badWrappingKeyFile(`${FILE} may be read by others; run chmod 600 on it`);
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const hex = /^\{"x25519PrivateKey":"([0-9a-f]{64})"\}\n$/.exec(text)?.[1];
  if (hex === undefined) throw badWrappingKeyFile(`${FILE} is damaged; restore it from a backup`);
  const privateKey = Uint8Array.from(Buffer.from(hex, "hex"));
  return { privateKey, publicKey: sealingPublicKey(privateKey) };
}

/** Written beside, then linked: of two first starts at once, one wins and both use its key. */
async function createPair(directory: string, file: string, rng: Rng): Promise<SealingKeyPair> {
  await mkdir(directory, { recursive: true });
  const temporary = `${file}.${randomUUID()}`;
  const { privateKey } = generateSealingKeyPair(rng);
  const handle = await open(temporary, "wx", OWNER_ONLY);
  try {
    await handle.writeFile(`{"x25519PrivateKey":"${Buffer.from(privateKey).toString("hex")}"}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await link(temporary, file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  });
  await rm(temporary);
  const pair = await readPair(file);
  if (pair === undefined) throw badWrappingKeyFile(`${FILE} vanished while it was made`);
  return pair;
}
