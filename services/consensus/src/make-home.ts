import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { blsPublicKey, provePossession } from "@aios/core-finality/bls-signatures";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import { generateNodeKeyPem, nodeIdentity, signWithNodeKey } from "@aios/peer-network/node-certificate";
import type { Peer } from "@aios/peer-network/peer-network";
import { systemClock } from "@aios/service-kit/system-clock";
import { OperatorAccount } from "./adapters/secp256k1/operator-account.js";
import type { NodeName, SeatKey } from "./domain/staking-binding.js";
import { readGenesis } from "./genesis-file.js";
import { HOME_FILES, type NodeFile, readHonorHome, readNodeKeys, readSecret } from "./honor-home.js";
import { OperatorClient } from "./operator-client.js";

const SECRET = { mode: 0o600, flag: "wx" } as const;

/** What of a node's keys others may know: peers its name, a genesis file its seat. */
export interface PublicKeys {
  /** 64 hex digits. */
  readonly nodeKey: string;
  /** With 0x, as a genesis file takes them; absent for a node that follows. */
  readonly seat?: { readonly publicKey: string; readonly proofOfPossession: string };
  /** Account of the operator, lower-case with 0x; absent for a node that follows. */
  readonly operator?: Address;
}

/** Makes a home directory with new keys. Throws `node-home-exists`, and then nothing has changed. */
export async function initHome(directory: string, hasSeat: boolean, file: NodeFile): Promise<PublicKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const nodeKeyPem = generateNodeKeyPem();
  try {
    await writeFile(join(directory, HOME_FILES.nodeKey), nodeKeyPem, SECRET);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    throw new CodedError({
      code: "node-home-exists",
      kind: "conflict",
      message: `${directory} holds a node already: its keys are never overwritten. Choose another directory.`,
      cause,
    });
  }
  await writeNodeFile(directory, file);
  const { publicKey: nodeKey } = nodeIdentity(nodeKeyPem);
  if (!hasSeat) return { nodeKey };
  const secret = newSeatSecret();
  await writeFile(join(directory, HOME_FILES.seatKey), Buffer.from(secret).toString("hex"), SECRET);
  const operatorSecret = newOperatorSecret();
  await writeFile(
    join(directory, HOME_FILES.operatorKey),
    Buffer.from(operatorSecret).toString("hex"),
    SECRET,
  );
  return { nodeKey, seat: publicSeat(secret), operator: new OperatorAccount(operatorSecret).address };
}

/** Makes another key for a seat and keeps its secret in the home, where a running node finds it. */
export async function addSeatKey(directory: string): Promise<SeatKey> {
  const secret = newSeatSecret();
  const key = seatKey(secret);
  const keys = join(directory, HOME_FILES.seatKeys);
  await mkdir(keys, { recursive: true, mode: 0o700 });
  const name = `${Buffer.from(key.publicKey).toString("hex")}.key`;
  await writeFile(join(keys, name), Buffer.from(secret).toString("hex"), SECRET);
  return key;
}

/** The voting key that a home was made with, and the node's name among peers. Throws `invalid-node-home`. */
export async function seatOf(directory: string): Promise<{ readonly key: SeatKey; readonly node: NodeName }> {
  const { nodeKeyPem } = await readNodeKeys(join(directory, HOME_FILES.nodeKey), undefined);
  const secret = await readSecret(join(directory, HOME_FILES.seatKey));
  const identity = nodeIdentity(nodeKeyPem);
  const node = {
    nodeKey: identity.publicKey,
    sign: (statement: Uint8Array) => signWithNodeKey(identity, statement),
  };
  return { key: seatKey(secret), node };
}

function seatKey(secret: Uint8Array): SeatKey {
  return {
    publicKey: blsPublicKey(secret),
    provePossession: (context) => provePossession(secret, context),
  };
}

/** What the operator of a home does on chain, through a node's JSON-RPC. Throws `invalid-node-home`. */
export async function openOperator(directory: string, url: string): Promise<OperatorClient> {
  const secret = await readSecret(join(directory, HOME_FILES.operatorKey));
  return new OperatorClient(url, new OperatorAccount(secret), systemClock);
}

/** Points a home to a chain and its peers. Throws `invalid-genesis` and its like, and `invalid-node-home`. */
export async function joinChain(
  directory: string,
  genesisFile: string,
  peers: readonly Peer[],
): Promise<{ readonly chainId: number; readonly seats: number }> {
  const { chainId, honor } = await readGenesis(genesisFile);
  if (honor === undefined)
    throw new CodedError({
      code: "not-an-honor-chain",
      kind: "invalid",
      field: "honor",
      message: "The genesis file names no honor set.",
    });
  const file = JSON.parse(await readFile(join(directory, HOME_FILES.node), "utf8")) as NodeFile;
  await copyFile(genesisFile, join(directory, HOME_FILES.genesis));
  await writeNodeFile(directory, { ...file, peers: [...peers] });
  await readHonorHome(directory);
  return { chainId, seats: honor.set.members.length };
}

export async function writeNodeFile(directory: string, file: NodeFile): Promise<void> {
  await writeFile(join(directory, HOME_FILES.node), `${JSON.stringify(file, undefined, 2)}\n`);
}

/** A secret scalar of BLS12-381: of random 32 bytes somewhat less than half are one. */
function newSeatSecret(): Uint8Array {
  for (;;) {
    const secret = Uint8Array.from(randomBytes(32));
    try {
      blsPublicKey(secret);
      return secret;
    } catch (error) {
      if (!isCodedError(error)) throw error;
    }
  }
}

function newOperatorSecret(): Uint8Array {
  for (;;) {
    const secret = Uint8Array.from(randomBytes(32));
    try {
      new OperatorAccount(secret);
      return secret;
    } catch (error) {
      if (!isCodedError(error)) throw error;
    }
  }
}

function publicSeat(secret: Uint8Array): Required<PublicKeys>["seat"] {
  return { publicKey: hex(blsPublicKey(secret)), proofOfPossession: hex(provePossession(secret)) };
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}
