import type { HonorKeys } from "@aios/core-finality/certificate";
import { CodedError } from "@aios/kernel/coded-error";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** A seat of the honor set. */
export interface HonorMember {
  /** Account that registered the node: 20 bytes as lower-case hex with 0x. */
  readonly account: string;
  /** BLS12-381 public key with a verified proof of possession: 48 bytes as lower-case hex. */
  readonly publicKey: string;
}

/** The nodes that make blocks and vote, until they hand over. Seats are numbered by their place in `members`. */
export interface HonorSet {
  /** Sets are counted from 0 at genesis. */
  readonly number: number;
  readonly members: readonly HonorMember[];
}

export const GROUP_SIZE = 3;
export const SMALLEST_SET = 6;
/** The local profile: one group of four. */
export const LOCAL_SET = 4;

const ACCOUNT = /^0x[0-9a-f]{40}$/;
const PUBLIC_KEY = /^[0-9a-f]{96}$/;
const ids = new WeakMap<HonorSet, string>();
const keys = new WeakMap<HonorSet, Uint8Array[]>();

/** Whether a set may have this many seats: a multiple of three from 6 up, or the local profile of 4. */
export function isSetSize(size: number): boolean {
  return (
    size === LOCAL_SET || (Number.isSafeInteger(size) && size >= SMALLEST_SET && size % GROUP_SIZE === 0)
  );
}

/** Checks size, form and that nobody sits twice. Throws `invalid-honor-set` with the field. O(n). */
export function requireHonorSet(set: HonorSet): void {
  if (!Number.isSafeInteger(set.number) || set.number < 0)
    throw invalid("number", "Sets are numbered from 0.");
  if (!isSetSize(set.members.length))
    throw invalid("members", "A set has a multiple of three from 6 up, or 4 members.");
  const seen = new Set<string>();
  for (const [seat, { account, publicKey }] of set.members.entries()) {
    if (!ACCOUNT.test(account)) throw invalid(`members.${seat}.account`, "An account is 20 bytes of hex.");
    if (!PUBLIC_KEY.test(publicKey))
      throw invalid(`members.${seat}.publicKey`, "A public key is 48 bytes of hex.");
    if (seen.has(account) || seen.has(publicKey))
      throw invalid(`members.${seat}`, "An account or key has two seats.");
    seen.add(account).add(publicKey);
  }
}

/** Id of a set: SHA-256 over number and members in order, as 64 hex digits; hashed once for each object. */
export function honorSetId(set: HonorSet): string {
  const known = ids.get(set);
  if (known !== undefined) return known;
  const members = set.members.map(({ account, publicKey }) => [account, publicKey]);
  const id = bytesToHex(sha256(utf8ToBytes(`aios.honor-set.v1\n${JSON.stringify([set.number, members])}`)));
  ids.set(set, id);
  return id;
}

/** The set's keys as certificates need them; decoded once for each object. */
export function honorKeysOf(chainId: string, set: HonorSet): HonorKeys {
  let publicKeys = keys.get(set);
  if (publicKeys === undefined) {
    publicKeys = set.members.map(({ publicKey }) => hexToBytes(publicKey));
    keys.set(set, publicKeys);
  }
  return { chainId, publicKeys };
}

/** Groups that take turns: n / 3, or one for the local profile. */
export function groupCount(size: number): number {
  return size === LOCAL_SET ? 1 : size / GROUP_SIZE;
}

/** Group of a seat. Seats next to each other are in different groups, so that the ranks of an election spread. */
export function groupOf(size: number, seat: number): number {
  return seat % groupCount(size);
}

/** Seats of a group, ascending. */
export function seatsOfGroup(size: number, group: number): number[] {
  const seats: number[] = [];
  for (let seat = group; seat < size; seat += groupCount(size)) seats.push(seat);
  return seats;
}

function invalid(field: string, message: string): CodedError {
  return new CodedError({ code: "invalid-honor-set", kind: "invalid", field, message });
}
