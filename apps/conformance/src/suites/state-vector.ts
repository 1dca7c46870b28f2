import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import { blobBaseFee } from "@aios/core-evm/blob-fee";
import type { BlockEnvironment } from "@aios/core-evm/context";
import { type BlobParameters, DEFAULT_BLOB_PARAMETERS, FORK, type Hardfork } from "@aios/core-evm/hardfork";
import type { Rules } from "@aios/core-evm/rules";
import type { EvmTransaction } from "@aios/core-evm/transaction";
import { keccak256 } from "@aios/core-keccak/keccak";
import { addressOf, fromHex } from "@aios/core-rlp/hex";
import { recoverAuthority } from "@aios/core-transactions/authority";
import { CodedError } from "@aios/kernel/coded-error";
import { computeAddress } from "ethers";
import { hexBytes } from "../vectors.js";

export interface VectorAccount {
  readonly nonce: string;
  readonly balance: string;
  readonly code: string;
  readonly storage: Readonly<Record<string, string>>;
}

interface VectorAccessListEntry {
  readonly address: string;
  readonly storageKeys: readonly string[];
}

interface VectorTransaction {
  readonly nonce: string;
  readonly gasLimit: readonly string[];
  readonly value: readonly string[];
  readonly data: readonly string[];
  readonly to: string;
  readonly sender?: string;
  readonly secretKey?: string;
  readonly gasPrice?: string;
  readonly maxFeePerGas?: string;
  readonly maxPriorityFeePerGas?: string;
  readonly accessLists?: readonly (readonly VectorAccessListEntry[] | null)[];
  readonly maxFeePerBlobGas?: string;
  readonly blobVersionedHashes?: readonly string[];
  readonly authorizationList?: readonly {
    readonly chainId: string;
    readonly address: string;
    readonly nonce: string;
    readonly yParity?: string;
    readonly v: string;
    readonly r: string;
    readonly s: string;
  }[];
}

/** One expected outcome of a state test. */
export interface PostState {
  readonly hash: string;
  readonly logs: string;
  readonly indexes: { readonly data: number; readonly gas: number; readonly value: number };
  readonly expectException?: string;
}

/** A case of GeneralStateTests. */
export interface StateVector {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pre: Readonly<Record<string, VectorAccount>>;
  readonly transaction: VectorTransaction;
  readonly post: Readonly<Record<string, readonly PostState[]>>;
  readonly config?: {
    readonly chainid?: string;
    readonly blobSchedule?: Readonly<
      Record<
        string,
        { readonly target: string; readonly max: string; readonly baseFeeUpdateFraction: string }
      >
    >;
  };
}

/** Bytes of a field. Throws for what is not hex. */
export function bytes(text: string): Uint8Array {
  const digits = text.replace(/^0x/, "");
  const out = hexBytes(digits.length % 2 === 0 ? digits : `0${digits}`);
  if (out === undefined) throw new Error(`'${text}' is not hex`);
  return out;
}

/** Left padded to a word. */
export function word(text: string): Uint8Array {
  const value = bytes(text);
  const out = new Uint8Array(32);
  out.set(value, 32 - value.length);
  return out;
}

/** Ethereum's forks that changed nothing but these (EIP-7892), where the case does not say. */
const BLOB_FORKS: Readonly<Record<string, BlobParameters>> = {
  bpo1: { target: 10, max: 15, baseFeeUpdateFraction: 8_346_193n },
  bpo2: { target: 14, max: 21, baseFeeUpdateFraction: 11_684_671n },
};

/** `forkName` as the case has it, `fork` whose rules otherwise hold. */
export function blobParameters(
  vector: StateVector,
  forkName: string,
  fork: Hardfork,
): BlobParameters | undefined {
  const wanted = forkName.toLowerCase();
  const name = Object.keys(vector.config?.blobSchedule ?? {}).find((key) => key.toLowerCase() === wanted);
  const own = name === undefined ? undefined : vector.config?.blobSchedule?.[name];
  if (own === undefined) return BLOB_FORKS[wanted] ?? DEFAULT_BLOB_PARAMETERS[fork];
  return {
    target: Number(own.target),
    max: Number(own.max),
    baseFeeUpdateFraction: BigInt(own.baseFeeUpdateFraction),
  };
}

export function environmentOf(
  vector: StateVector,
  { fork, blobs }: Pick<Rules, "fork" | "blobs">,
): BlockEnvironment {
  const { env } = vector;
  const random = fork < FORK.paris ? undefined : env["currentRandom"];
  const excess = BigInt(env["currentExcessBlobGas"] ?? "0x0");
  return {
    number: Number(env["currentNumber"]),
    timestamp: Number(env["currentTimestamp"]),
    gasLimit: BigInt(env["currentGasLimit"] ?? "0x0"),
    baseFeePerGas: BigInt(env["currentBaseFee"] ?? "0x0"),
    blobBaseFee: blobs === undefined ? 0n : blobBaseFee(excess, blobs),
    coinbase: bytes(env["currentCoinbase"] ?? "0x"),
    prevRandao: word(random ?? env["currentDifficulty"] ?? "0x0"),
    // The format's convention: the hash of block n is that of its decimal number.
    blockHash: (number) => keccak256(new TextEncoder().encode(String(number))),
  };
}

function typeOf(tx: VectorTransaction, hasAccessList: boolean): EvmTransaction["type"] {
  if (tx.authorizationList !== undefined) return 4;
  if (tx.blobVersionedHashes !== undefined) return 3;
  if (tx.maxFeePerGas !== undefined) return 2;
  return hasAccessList ? 1 : 0;
}

const pick = (list: readonly string[], index: number, what: string): string => {
  const value = list[index];
  if (value === undefined) throw new Error(`there is no ${what} number ${index}`);
  return value;
};

const MAX_256 = (1n << 256n) - 1n;
const MAX_64 = (1n << 64n) - 1n;

/** How ethereum/tests writes numbers that have more than 256 bits, or leading zeros. */
const BIG = /^0x:bigint /;

/** A number that the field can carry. Throws `malformed-field` for others: no encoding has them. */
function within(text: string, most: bigint, what: string): bigint {
  const value = BigInt(text.replace(BIG, ""));
  if (value <= most && !BIG.test(text)) return value;
  throw new CodedError({
    code: "malformed-field",
    kind: "unprocessable",
    message: `the ${what} is too large`,
  });
}

const MAX_8 = 255n;

/** Its signer is recovered, as a node does it; what the vector says of the signer is not read. */
function authorizationOf(
  entry: NonNullable<VectorTransaction["authorizationList"]>[number],
): NonNullable<EvmTransaction["authorizations"]>[number] {
  const chainId = within(entry.chainId, MAX_256, "chain id of an authorization");
  const nonce = within(entry.nonce, MAX_64, "nonce of an authorization");
  const authority = recoverAuthority(
    {
      chainId,
      address: addressOf(bytes(entry.address)),
      nonce,
      yParity: Number(within(entry.yParity ?? entry.v, MAX_8, "y parity of an authorization")),
      r: within(entry.r, MAX_256, "r of an authorization"),
      s: within(entry.s, MAX_256, "s of an authorization"),
    },
    recoverPublicKey,
  );
  return {
    chainId,
    address: bytes(entry.address),
    nonce,
    authority: authority === undefined ? undefined : fromHex(authority),
  };
}

/** Older cases name the key alone. */
function senderOf({ sender, secretKey }: VectorTransaction): Uint8Array {
  if (sender !== undefined) return bytes(sender);
  if (secretKey === undefined) throw new Error("the transaction has neither sender nor secretKey");
  return fromHex(computeAddress(secretKey));
}

/** The transaction that an outcome is about. */
export function transactionOf({ transaction: tx }: StateVector, { indexes }: PostState): EvmTransaction {
  const accessList = tx.accessLists?.[indexes.data] ?? undefined;
  const price = within(tx.maxFeePerGas ?? tx.gasPrice ?? "0x0", MAX_256, "fee");
  const value = within(pick(tx.value, indexes.value, "value"), MAX_256, "value");
  return {
    type: typeOf(tx, accessList !== undefined),
    from: senderOf(tx),
    to: tx.to === "" || tx.to === "0x" ? undefined : bytes(tx.to),
    nonce: within(tx.nonce, MAX_64, "nonce"),
    gasLimit: within(pick(tx.gasLimit, indexes.gas, "gas limit"), MAX_64, "gas limit"),
    value,
    data: bytes(pick(tx.data, indexes.data, "data")),
    maxFeePerGas: price,
    maxPriorityFeePerGas: within(tx.maxPriorityFeePerGas ?? tx.gasPrice ?? "0x0", MAX_256, "tip"),
    accessList: (accessList ?? []).map(({ address, storageKeys }) => ({
      address: bytes(address),
      slots: storageKeys.map(word),
    })),
    ...(tx.maxFeePerBlobGas === undefined
      ? {}
      : { maxFeePerBlobGas: within(tx.maxFeePerBlobGas, MAX_256, "fee for blobs") }),
    ...(tx.blobVersionedHashes === undefined ? {} : { blobHashes: tx.blobVersionedHashes.map(bytes) }),
    ...(tx.authorizationList === undefined
      ? {}
      : {
          authorizations: tx.authorizationList.map(authorizationOf),
        }),
  };
}
