import type { BlsSignatures } from "@aios/core-finality/signature-scheme";
import { CodedError } from "@aios/kernel/coded-error";
import type { PublicKey } from "@chainsafe/blst";

type Blst = typeof import("@chainsafe/blst");

/** Keys of a few honor sets; each is checked once, which costs as much as a tenth of a verification. */
const REMEMBERED_KEYS = 1_024;

/** `BlsSignatures` over blst, in native code. `blst` is the loaded module: it has binaries for common platforms only. */
export function blstSignatures(blst: Blst): BlsSignatures {
  const keys = new Map<string, PublicKey>();

  const key = (bytes: Uint8Array): PublicKey => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const known = keys.get(text);
    if (known !== undefined) return known;
    if (bytes.length !== blst.PUBLIC_KEY_LENGTH_COMPRESSED) throw new Error("A public key is 48 bytes.");
    const checked = blst.PublicKey.fromBytes(bytes, true);
    if (keys.size >= REMEMBERED_KEYS) keys.delete(keys.keys().next().value as string);
    keys.set(text, checked);
    return checked;
  };

  const signature = (bytes: Uint8Array): InstanceType<Blst["Signature"]> => {
    if (bytes.length !== blst.SIGNATURE_LENGTH_COMPRESSED) throw new Error("A signature is 96 bytes.");
    return blst.Signature.fromBytes(bytes, true);
  };

  const secret = (bytes: Uint8Array): InstanceType<Blst["SecretKey"]> =>
    coded("invalid-secret-key", "A secret key is a number from 1 below the group's order.", () =>
      blst.SecretKey.fromBytes(bytes),
    );

  return {
    publicKey: (secretKey) => secret(secretKey).toPublicKey().toBytes(),
    sign: (secretKey, message) => secret(secretKey).sign(message).toBytes(),
    verify: (publicKey, message, bytes) =>
      holds(() => blst.verify(message, key(publicKey), signature(bytes), false, false)),
    aggregate: (signatures) =>
      coded("invalid-signature", "One of the signatures is not a point of the group.", () =>
        blst.aggregateSignatures(signatures.map(signature), false).toBytes(),
      ),
    verifyAggregate: (publicKeys, message, bytes) =>
      publicKeys.length > 0 &&
      holds(() => blst.fastAggregateVerify(message, publicKeys.map(key), signature(bytes), false)),
  };
}

function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

function coded<T>(code: string, message: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new CodedError({ code, kind: "invalid", message, cause });
  }
}
