import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateServiceKeys } from "@aios/service-kit/service-keys";

export interface ServiceKeyFiles {
  readonly trustBundleFile: string;
  keyFile(service: string): string;
}

/** Keys of the named services as files in `directory`, as a launcher writes them. */
export async function writeServiceKeys(
  directory: string,
  services: readonly string[],
): Promise<ServiceKeyFiles> {
  mkdirSync(directory, { recursive: true });
  const { privateKeys, trustBundle } = await generateServiceKeys(services);
  const keyFile = (service: string): string => join(directory, `${service}.jwk.json`);
  for (const [service, jwk] of privateKeys)
    writeFileSync(keyFile(service), JSON.stringify(jwk), { mode: 0o600 });
  const trustBundleFile = join(directory, "trust-bundle.jwks.json");
  writeFileSync(trustBundleFile, JSON.stringify(trustBundle));
  return { trustBundleFile, keyFile };
}
