import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
  type X509Certificate,
} from "node:crypto";

/** What a node shows to its peers: a key, and a certificate that says nothing but that key. */
export interface NodeIdentity {
  /** Raw Ed25519 public key, 32 bytes as hex: the node's name among peers. */
  readonly publicKey: string;
  readonly privateKeyPem: string;
  readonly certificatePem: string;
}

const ED25519_OID = [0x06, 0x03, 0x2b, 0x65, 0x70];
const COMMON_NAME_OID = [0x06, 0x03, 0x55, 0x04, 0x03];
/** RFC 5280, section 4.1.2.5: no well-defined expiration. The key is what counts. */
const NEVER = "99991231235959Z";
const RAW_KEY_BYTES = 32;
/** What precedes the raw key in its DER, RFC 8410. */
const SPKI_PREFIX = [0x30, 0x2a, 0x30, 0x05, ...ED25519_OID, 0x03, 0x21, 0x00];

/** A new node key. */
export function generateNodeKeyPem(): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** The identity of an Ed25519 key in PKCS #8: a self-signed X.509 certificate without anything to verify in it. */
export function nodeIdentity(privateKeyPem: string): NodeIdentity {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const der = selfSigned(privateKey, publicKey);
  const base64 = der.toString("base64").replace(/.{64}/g, "$&\n");
  const certificatePem = `-----BEGIN CERTIFICATE-----\n${base64.trimEnd()}\n-----END CERTIFICATE-----\n`;
  return { publicKey: rawKey(publicKey), privateKeyPem, certificatePem };
}

/** Signs with a node key, 64 bytes. The statement begins with a domain that no certificate and no TLS transcript begins with. */
export function signWithNodeKey({ privateKeyPem }: NodeIdentity, statement: Uint8Array): Uint8Array {
  return sign(null, statement, createPrivateKey(privateKeyPem));
}

/** Checks `signWithNodeKey`; false also for what is no key. */
export function isSignedByNode(publicKey: string, statement: Uint8Array, signature: Uint8Array): boolean {
  const raw = Buffer.from(publicKey, "hex");
  if (raw.length !== RAW_KEY_BYTES) return false;
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from(SPKI_PREFIX), raw]),
    format: "der",
    type: "spki",
  });
  return verify(null, statement, key, signature);
}

/** The node key that a certificate shows; undefined for another kind of key. TLS has proven that the peer holds it. */
export function keyOfCertificate(certificate: X509Certificate): string | undefined {
  return certificate.publicKey.asymmetricKeyType === "ed25519" ? rawKey(certificate.publicKey) : undefined;
}

function rawKey(publicKey: KeyObject): string {
  return publicKey.export({ type: "spki", format: "der" }).subarray(-RAW_KEY_BYTES).toString("hex");
}

function selfSigned(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  const algorithm = sequence(Buffer.from(ED25519_OID));
  const commonName = sequence(Buffer.from(COMMON_NAME_OID), tagged(0x0c, Buffer.from("aios-node")));
  const name = sequence(tagged(0x31, commonName));
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))),
    tagged(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(tagged(0x18, Buffer.from("20260101000000Z")), tagged(0x18, Buffer.from(NEVER))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  );
  const signature = sign(null, body, privateKey);
  return sequence(body, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

/** One element of DER. */
function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
