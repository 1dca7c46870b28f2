import { exportJWK, generateKeyPair, type JWK } from "jose";

export interface ServiceKeys {
  /** Private JWK per service, each for one `AIOS_SERVICE_KEY_FILE`. */
  readonly privateKeys: ReadonlyMap<string, JWK>;
  /** Content of `AIOS_TRUST_BUNDLE_FILE`. */
  readonly trustBundle: { readonly keys: readonly JWK[] };
}

/** Fresh Ed25519 keys for the named services; whoever runs the platform writes them to files. */
export async function generateServiceKeys(services: readonly string[]): Promise<ServiceKeys> {
  const privateKeys = new Map<string, JWK>();
  const keys: JWK[] = [];
  for (const service of services) {
    const pair = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    privateKeys.set(service, { ...(await exportJWK(pair.privateKey)), kid: service, alg: "EdDSA" });
    keys.push({ ...(await exportJWK(pair.publicKey)), kid: service, alg: "EdDSA", use: "sig" });
  }
  return { privateKeys, trustBundle: { keys } };
}
