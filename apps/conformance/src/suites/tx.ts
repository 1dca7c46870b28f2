import { recoverPublicKey } from "@aios/consensus/adapters/secp256k1/recover-public-key";
import { checkTransaction } from "@aios/core-transactions/check-transaction";
import { decodeTransaction } from "@aios/core-transactions/decode-transaction";
import type { TransactionFork } from "@aios/core-transactions/fork-rules";
import { intrinsicGas } from "@aios/core-transactions/intrinsic-gas";
import { recoverSender, transactionHash } from "@aios/core-transactions/sender";
import type { CaseResult, Suite } from "../suite.js";
import { hexBytes, holdsCasesWith, readCases } from "../vectors.js";
import {
  type KeyAddressCase,
  keyAddressDifference,
  type SignedTransactionCase,
  signedTransactionDifference,
} from "./signed-transaction.js";

interface Expected {
  readonly exception?: string;
  readonly hash?: string;
  readonly sender?: string;
  readonly intrinsicGas?: string;
}

interface TransactionCase {
  readonly txbytes: string;
  readonly result: Readonly<Record<string, Expected>>;
}

/** The names of the format; forks that left transactions alone go by the one before them. */
const FORKS: Readonly<Record<string, TransactionFork>> = {
  Frontier: "frontier",
  Homestead: "homestead",
  EIP150: "homestead",
  TangerineWhistle: "homestead",
  EIP158: "spurious-dragon",
  SpuriousDragon: "spurious-dragon",
  Byzantium: "spurious-dragon",
  Constantinople: "spurious-dragon",
  ConstantinopleFix: "spurious-dragon",
  Petersburg: "spurious-dragon",
  Istanbul: "istanbul",
  MuirGlacier: "istanbul",
  Berlin: "berlin",
  London: "london",
  ArrowGlacier: "london",
  GrayGlacier: "london",
  Paris: "london",
  Merge: "london",
  Shanghai: "shanghai",
  Cancun: "cancun",
  Prague: "prague",
  Osaka: "osaka",
  BPO1: "osaka",
  BPO2: "osaka",
  BPO3: "osaka",
  BPO4: "osaka",
  BPO5: "osaka",
};
const MAINNET = 1n;

type Outcome =
  | { readonly refusal: string }
  | { readonly hash: string; readonly sender: string; readonly gas: bigint };

function execute(bytes: Uint8Array, fork: TransactionFork): Outcome {
  const rules = { fork, chainId: MAINNET };
  try {
    const transaction = decodeTransaction(bytes);
    checkTransaction(transaction, rules);
    return {
      hash: transactionHash(transaction),
      sender: recoverSender(transaction, recoverPublicKey),
      gas: intrinsicGas(transaction, rules),
    };
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

function difference(
  bytes: Uint8Array | undefined,
  fork: TransactionFork,
  expected: Expected,
): string | undefined {
  const outcome = bytes === undefined ? { refusal: "not hex" } : execute(bytes, fork);
  if (expected.exception !== undefined)
    return "refusal" in outcome ? undefined : `accepted, expected ${expected.exception}`;
  if ("refusal" in outcome) return `refused: ${outcome.refusal}`;
  if (expected.hash !== undefined && outcome.hash !== expected.hash.toLowerCase())
    return `hash ${outcome.hash}, expected ${expected.hash}`;
  if (expected.sender !== undefined && outcome.sender !== expected.sender.toLowerCase())
    return `sender ${outcome.sender}, expected ${expected.sender}`;
  if (expected.intrinsicGas !== undefined && outcome.gas !== BigInt(expected.intrinsicGas))
    return `intrinsic gas ${toHexNumber(outcome.gas)}, expected ${expected.intrinsicGas}`;
  return undefined;
}

const toHexNumber = (value: bigint): string => `0x${value.toString(16)}`;

type BasicCase = SignedTransactionCase | KeyAddressCase;

const isBasic = (value: object): value is BasicCase =>
  "key" in value && ("signed" in value || "addr" in value);

function runBasic(name: string, vector: BasicCase): CaseResult {
  const detail = "signed" in vector ? signedTransactionDifference(vector) : keyAddressDifference(vector);
  return detail === undefined ? { name, status: "passed" } : { name, status: "failed", detail };
}

function* runTransaction(name: string, vector: TransactionCase): Generator<CaseResult> {
  const bytes = hexBytes(vector.txbytes);
  for (const [forkName, expected] of Object.entries(vector.result)) {
    const fork = FORKS[forkName];
    const detail = fork === undefined ? `there is no fork '${forkName}'` : difference(bytes, fork, expected);
    const caseName = `${name} ${forkName}`;
    yield detail === undefined
      ? { name: caseName, status: "passed" }
      : { name: caseName, status: "failed", detail: `${detail} (${vector.txbytes.slice(0, 80)})` };
  }
}

export const txSuite: Suite = {
  name: "tx",
  describe:
    "TransactionTests of ethereum/tests: validity, hash, sender, intrinsic gas by fork (and txtest, keyaddrtest of BasicTests)",
  accepts: (path) =>
    holdsCasesWith(path, ["txbytes", "result"]) ||
    holdsCasesWith(path, ["key", "signed", "unsigned"]) ||
    holdsCasesWith(path, ["key", "addr"]),
  async *runFile(path): AsyncIterable<CaseResult> {
    const cases = await readCases<TransactionCase | BasicCase>(path);
    for (const [name, vector] of cases) {
      if (isBasic(vector)) yield runBasic(name, vector);
      else yield* runTransaction(name, vector);
    }
  },
};
