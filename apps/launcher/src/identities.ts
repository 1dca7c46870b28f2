import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SERVICES, type ServiceName } from "@aios/service-kit/local-instance";
import { Wallet } from "ethers";
import { privateFile } from "./private-file.js";

/** Accounts of the local network. On a real one, each belongs to somebody else. */
export const ACCOUNTS = [
  "deployer",
  "relayer",
  "matcher",
  "anchor",
  "treasury",
  "prover",
  "producer",
  "ecosystem",
  "investors",
  "team",
  "foundation",
  "developer",
  "business",
  "provider-1",
  "provider-2",
] as const;
export type AccountName = (typeof ACCOUNTS)[number];

export interface Account {
  readonly address: string;
  /** File with the private key as hex; readable by its owner only. */
  readonly keyFile: string;
}

export interface Identities {
  readonly accounts: Readonly<Record<AccountName, Account>>;
  readonly serviceKeyFiles: Readonly<Record<ServiceName, string>>;
  /** Public keys of all services, the only ones whose tokens are believed. */
  readonly trustBundleFile: string;
}

interface Jwk {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly d?: string;
}

/** Keys of this installation, drawn at random on its first start. */
export function loadIdentities(keyDir: string): Identities {
  mkdirSync(keyDir, { recursive: true, mode: 0o700 });
  const accounts = Object.fromEntries(ACCOUNTS.map((name) => [name, loadAccount(keyDir, name)]));
  const publicKeys: object[] = [];
  const serviceKeyFiles = Object.fromEntries(
    SERVICES.map((name) => {
      const file = join(keyDir, `service-${name}.jwk`);
      const { d: _secret, ...shared } = JSON.parse(privateFile(file, () => newServiceKey(name))) as Jwk;
      publicKeys.push(shared);
      return [name, file];
    }),
  );
  const trustBundleFile = join(keyDir, "services.jwks");
  writeFileSync(trustBundleFile, JSON.stringify({ keys: publicKeys }, null, 2));
  return {
    accounts: accounts as Record<AccountName, Account>,
    serviceKeyFiles: serviceKeyFiles as Record<ServiceName, string>,
    trustBundleFile,
  };
}

function loadAccount(keyDir: string, name: AccountName): Account {
  const keyFile = join(keyDir, `account-${name}.key`);
  const privateKey = privateFile(keyFile, () => Wallet.createRandom().privateKey);
  return { address: new Wallet(privateKey.trim()).address.toLowerCase(), keyFile };
}

function newServiceKey(name: ServiceName): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  return JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid: name, alg: "EdDSA", use: "sig" });
}
