import { storage } from "@aios/contracts/storage/job-escrow";
import { keccak256 } from "@aios/core-keccak/keccak";
import { bytesToBigint, concat, word } from "@aios/core-rlp/hex";
import { decodeRlp, rlpBytes, rlpList } from "@aios/core-rlp/rlp";
import { JOB_STATES } from "@aios/core-settlement/job-state-table";
import { provenValue } from "@aios/core-trie/merkle-proof";
import { isCodedError } from "@aios/kernel/coded-error";
import { fromHex, toHex } from "../hex.js";
import type { JsonRpc } from "../json-rpc.js";
import type { ChainEvidence } from "./chain-evidence.js";
import type { CertifiedState } from "./finality-check.js";
import type { VerificationCheck } from "./verification-report.js";

/** EIP-1186, as `eth_getProof` answers. */
interface StateProof {
  readonly accountProof: readonly string[];
  readonly storageProof: readonly { readonly proof: readonly string[] }[];
}

const NAME = "certified-record";
const { members, slot: MAPPING_SLOT } = storage._jobs;
const COMPARED = ["buyer", "state", "provider", "fencingToken", "outputHash"] as const;
type Compared = (typeof COMPARED)[number];
const SLOTS = [...new Set(COMPARED.map((field) => members[field].slot))];
const STORAGE_ROOT_FIELD = 2;

/**
 * Whether the state that a quorum signed holds the job as settled: the escrow's own record of it, by Merkle proofs from the
 * root under the certificate down to its storage. Then the settlement is as sure as the certificate, whatever the node that
 * answers says about blocks, logs and receipts.
 */
export async function checkCertifiedRecord(
  rpc: JsonRpc,
  { escrow, jobId }: { readonly escrow: string; readonly jobId: string },
  chain: ChainEvidence,
  { height, stateRoot }: CertifiedState,
): Promise<VerificationCheck> {
  const settled = chain.events.findLast(({ parsed }) => parsed.name === "JobSettled")?.parsed.args;
  const first = bytesToBigint(keccak256(concat(fromHex(jobId), word(BigInt(MAPPING_SLOT)))));
  const slots = SLOTS.map((slot) => word(BigInt.asUintN(256, first + BigInt(slot))));
  const proof = await rpc
    .call<unknown>("eth_getProof", [escrow, slots.map(toHex), `0x${height.toString(16)}`])
    .catch(noLongerHeld);
  if (!isStateProof(proof) || settled === undefined) {
    const how = "The node that answers gave no proof of the state after the settling block; ask another one.";
    return { name: NAME, ok: undefined, how, evidence: {} };
  }
  const evidence = { stateRoot, escrow, slots: slots.map(toHex).join(" ") };
  try {
    const words = provenWords(fromHex(stateRoot), fromHex(escrow), slots, proof);
    const expected: Record<Compared, bigint> = {
      buyer: BigInt(settled.buyer as string),
      state: BigInt(JOB_STATES.indexOf("Settled")),
      provider: BigInt(settled.provider as string),
      fencingToken: BigInt(settled.fencingToken as bigint),
      outputHash: BigInt(settled.outputHash as string),
    };
    const other = COMPARED.find((field) => fieldOf(words, field) !== expected[field]);
    const how =
      other === undefined
        ? "Merkle proofs lead from the state under the certificate to the escrow's record of this job: settled, with this buyer, provider, fencing token and output hash."
        : `The certified state holds another ${other} for this job than the chain's events tell.`;
    return { name: NAME, ok: other === undefined, how, evidence };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return { name: NAME, ok: false, how: error.message, evidence };
  }
}

/** Storage words of a contract by slot, proven from the state's root. Throws `invalid-proof`, `malformed-rlp`. */
function provenWords(
  stateRoot: Uint8Array,
  contract: Uint8Array,
  slots: readonly Uint8Array[],
  { accountProof, storageProof }: StateProof,
): ReadonlyMap<number, bigint> {
  const account = provenValue(stateRoot, keccak256(contract), accountProof.map(fromHex));
  if (account === undefined) return new Map();
  const storageRoot = rlpBytes(rlpList(decodeRlp(account))[STORAGE_ROOT_FIELD]);
  return new Map(
    slots.map((slot, index) => {
      const nodes = storageProof[index]?.proof ?? [];
      const value = provenValue(storageRoot, keccak256(slot), nodes.map(fromHex));
      return [SLOTS[index] as number, value === undefined ? 0n : bytesToBigint(rlpBytes(decodeRlp(value)))];
    }),
  );
}

function fieldOf(words: ReadonlyMap<number, bigint>, field: Compared): bigint {
  const { slot, offset, bytes } = members[field];
  return ((words.get(slot) ?? 0n) >> BigInt(8 * offset)) & ((1n << BigInt(8 * bytes)) - 1n);
}

function isStateProof(value: unknown): value is StateProof {
  if (typeof value !== "object" || value === null) return false;
  const { accountProof, storageProof } = value as Partial<Record<keyof StateProof, unknown>>;
  return (
    isTexts(accountProof) &&
    Array.isArray(storageProof) &&
    storageProof.every((entry) => isTexts(entry?.proof))
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

/** A node that pruned the state, or does not serve proofs, refuses. */
function noLongerHeld(error: unknown): undefined {
  if (isCodedError(error) && error.code === "json-rpc-error") return undefined;
  throw error;
}
