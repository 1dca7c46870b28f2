import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Aead } from "@aios/core-sealing/aead";

const TAG_BYTES = 16;

/** AES-256-GCM of OpenSSL. */
export const nodeAead: Aead = {
  seal(key, nonce, associated, plaintext) {
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    cipher.setAAD(associated);
    return new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  },
  open(key, nonce, associated, ciphertext) {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated);
    decipher.setAuthTag(ciphertext.subarray(-TAG_BYTES));
    return new Uint8Array(
      Buffer.concat([decipher.update(ciphertext.subarray(0, -TAG_BYTES)), decipher.final()]),
    );
  },
};
