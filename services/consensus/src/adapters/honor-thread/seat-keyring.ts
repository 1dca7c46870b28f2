import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BlsSignatures } from "@aios/core-finality/signature-scheme";
import type { SeatKeys } from "@aios/core-honor-node/node-settings";
import { isCodedError } from "@aios/kernel/coded-error";

const KEY_FILE = /^[0-9a-f]{96}\.key$/;
const SECRET = /^[0-9a-f]{64}\s*$/;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

/**
 * The secrets of a node's seat: the one that it was started with, and those in a directory, where a change of keys puts
 * new ones. A key that is not known is looked for there, so that a running node votes with it from the hand-over on.
 */
export class SeatKeyring implements SeatKeys {
  readonly #secrets = new Map<string, Uint8Array>();

  constructor(
    private readonly signatures: BlsSignatures,
    secret: Uint8Array | undefined,
    private readonly directory: string | undefined,
  ) {
    if (secret !== undefined) this.#secrets.set(hex(signatures.publicKey(secret)), secret);
  }

  has(publicKey: string): boolean {
    if (!this.#secrets.has(publicKey)) this.#look();
    return this.#secrets.has(publicKey);
  }

  sign(publicKey: string, message: Uint8Array): string {
    const secret = this.#secrets.get(publicKey);
    if (secret === undefined) throw new Error("The secret of this public key is not here.");
    return hex(this.signatures.sign(secret, message));
  }

  #look(): void {
    for (const name of this.#files()) {
      const publicKey = name.slice(0, 96);
      if (this.#secrets.has(publicKey)) continue;
      const secret = this.#read(join(this.directory ?? "", name), publicKey);
      if (secret !== undefined) this.#secrets.set(publicKey, secret);
    }
  }

  #files(): string[] {
    if (this.directory === undefined) return [];
    try {
      return readdirSync(this.directory).filter((name) => KEY_FILE.test(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /** Undefined for a file that does not hold the secret of the key that it is named after. */
  #read(file: string, publicKey: string): Uint8Array | undefined {
    const text = readFileSync(file, "utf8");
    if (!SECRET.test(text)) return undefined;
    const secret = bytes(text.trim());
    try {
      return hex(this.signatures.publicKey(secret)) === publicKey ? secret : undefined;
    } catch (error) {
      if (isCodedError(error)) return undefined;
      throw error;
    }
  }
}
