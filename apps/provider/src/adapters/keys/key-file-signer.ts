import { readFile } from "node:fs/promises";
import { typedDataDigest } from "@aios/core-settlement/signed-data";
import { CodedError } from "@aios/kernel/coded-error";
import { address } from "@aios/kernel/identifiers";
import { SigningKey } from "ethers/crypto";
import { hashMessage } from "ethers/hash";
import { computeAddress } from "ethers/transaction";
import { getBytes } from "ethers/utils";
import type { Signer } from "../../domain/ports.js";

/** Signs with the secp256k1 key in a file (64 hex digits, 0x optional). Throws `bad-key-file`. */
export async function loadSigner(file: string): Promise<Signer> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw badKeyFile(file, "it cannot be read", error);
  });
  const digits = /^(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text)?.[1];
  if (digits === undefined) throw badKeyFile(file, "it does not hold 64 hex digits");
  let key: SigningKey;
  try {
    key = new SigningKey(`0x${digits}`);
  } catch {
    throw badKeyFile(file, "its number is not a private key");
  }
  const sign = (digest: string): Uint8Array => getBytes(key.sign(digest).serialized);
  return {
    address: address(computeAddress(key.publicKey)),
    signText: (message) => sign(hashMessage(message)),
    signTypedData: (data) => sign(typedDataDigest(data)),
  };
}

function badKeyFile(file: string, problem: string, cause?: unknown): CodedError {
  return new CodedError({
    code: "bad-key-file",
    kind: "invalid",
    message: `PROVIDER_KEY_FILE names ${file}, but ${problem}.`,
    cause,
  });
}
