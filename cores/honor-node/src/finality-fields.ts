import type { HonorMember, HonorSet } from "@aios/core-committee/honor-set";
import type { Certificate } from "@aios/core-finality/certificate";
import type { Checkpoint } from "@aios/core-finality/checkpoint";
import type { FinalityMessage, Proposal, Vote } from "@aios/core-finality/messages";
import type { RlpItem } from "@aios/core-rlp/rlp";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import type { Decision } from "./node-protocol.js";
import {
  bytesOf,
  copyOf,
  hashOf,
  hexOf,
  idItem,
  idOf,
  integerItem,
  integerOf,
  listOf,
  malformed,
} from "./wire-fields.js";

export const SIGNATURE_BYTES = 96;
const PUBLIC_KEY_BYTES = 48;
const ACCOUNT_BYTES = 20;
const MAX_MEMBERS = 1_024;
const NOTHING = new Uint8Array(0);
const KINDS = ["proposal", "prevote", "precommit"] as const;

export function checkpointItem(checkpoint: Checkpoint): RlpItem {
  return [
    integerItem(checkpoint.height),
    idItem(checkpoint.parentId),
    integerItem(checkpoint.parentRound),
    idItem(checkpoint.tip),
    integerItem(checkpoint.tick),
    hexToBytes(checkpoint.attestedRoot),
    hexToBytes(checkpoint.nextSetId),
    ...(checkpoint.attestedDag === undefined ? [] : [hexToBytes(checkpoint.attestedDag)]),
  ];
}

export function checkpointOf(item: RlpItem | undefined): Checkpoint {
  const fields = listOf(item, "checkpoint", 8, 7);
  return {
    height: integerOf(fields[0], "checkpoint.height"),
    parentId: idOf(fields[1], "checkpoint.parentId"),
    parentRound: integerOf(fields[2], "checkpoint.parentRound"),
    tip: idOf(fields[3], "checkpoint.tip"),
    tick: integerOf(fields[4], "checkpoint.tick"),
    attestedRoot: hashOf(fields[5], "checkpoint.attestedRoot"),
    nextSetId: hashOf(fields[6], "checkpoint.nextSetId"),
    ...(fields[7] === undefined ? {} : { attestedDag: hashOf(fields[7], "checkpoint.attestedDag") }),
  };
}

export function certificateItem(certificate: Certificate): RlpItem {
  return [
    integerItem(certificate.height),
    integerItem(certificate.round),
    hexToBytes(certificate.checkpointId),
    certificate.signers,
    certificate.signature,
  ];
}

export function certificateOf(item: RlpItem | undefined): Certificate {
  const fields = listOf(item, "certificate", 5, 5);
  return {
    height: integerOf(fields[0], "certificate.height"),
    round: integerOf(fields[1], "certificate.round"),
    checkpointId: hashOf(fields[2], "certificate.checkpointId"),
    signers: copyOf(fields[3], "certificate.signers", MAX_MEMBERS / 8),
    signature: copyOf(fields[4], "certificate.signature", SIGNATURE_BYTES, SIGNATURE_BYTES),
  };
}

export function honorSetItem(set: HonorSet): RlpItem {
  return [
    integerItem(set.number),
    set.members.map(({ account, publicKey }) => [hexToBytes(account.slice(2)), hexToBytes(publicKey)]),
  ];
}

export function honorSetOf(item: RlpItem | undefined): HonorSet {
  const fields = listOf(item, "set", 2, 2);
  const members = listOf(fields[1], "set.members", MAX_MEMBERS).map((member): HonorMember => {
    const [account, publicKey] = listOf(member, "set.member", 2, 2);
    return {
      account: `0x${hexOf(account, "set.account", ACCOUNT_BYTES)}`,
      publicKey: hexOf(publicKey, "set.publicKey", PUBLIC_KEY_BYTES),
    };
  });
  return { number: integerOf(fields[0], "set.number"), members };
}

/** An empty list stands for nothing. */
export function optionalItem<T>(value: T | undefined, encode: (value: T) => RlpItem): RlpItem {
  return value === undefined ? [] : encode(value);
}

export function optionalOf<T>(item: RlpItem | undefined, decode: (item: RlpItem) => T): T | undefined {
  if (item === undefined) throw malformed("optional");
  return item instanceof Uint8Array || item.length > 0 ? decode(item) : undefined;
}

/** A message without its signature. */
export function messageItem(message: FinalityMessage): RlpItem {
  const common = [
    integerItem(KINDS.indexOf(message.kind)),
    integerItem(message.height),
    integerItem(message.round),
    integerItem(message.sender),
  ];
  if (message.kind === "proposal")
    return [...common, checkpointItem(message.checkpoint), integerItem(message.validRound + 1)];
  return [...common, message.checkpointId === undefined ? NOTHING : hexToBytes(message.checkpointId)];
}

export function messageOf(item: RlpItem | undefined): FinalityMessage {
  const fields = listOf(item, "message", 6, 5);
  const kind = KINDS[integerOf(fields[0], "message.kind")];
  const height = integerOf(fields[1], "message.height");
  const round = integerOf(fields[2], "message.round");
  const sender = integerOf(fields[3], "message.sender");
  if (kind === undefined || (kind === "proposal") !== (fields.length === 6)) throw malformed("message.kind");
  if (kind !== "proposal") return { kind, height, round, sender, checkpointId: voteTarget(fields[4]) };
  const checkpoint = checkpointOf(fields[4]);
  return {
    kind,
    height,
    round,
    checkpoint,
    validRound: integerOf(fields[5], "message.validRound") - 1,
    sender,
  };
}

function voteTarget(item: RlpItem | undefined): string | undefined {
  return item instanceof Uint8Array && item.length === 0 ? undefined : hashOf(item, "message.checkpointId");
}

/** A message with the signature that it came with, or without one. */
export function signedMessageItem(message: FinalityMessage): RlpItem {
  return [messageItem(message), message.signature === undefined ? NOTHING : hexToBytes(message.signature)];
}

export function signedMessageOf(item: RlpItem | undefined): FinalityMessage {
  const [content, signature] = listOf(item, "message", 2, 2);
  const message: Proposal | Vote = messageOf(content);
  const bytes = bytesOf(signature, "signature", SIGNATURE_BYTES);
  return bytes.length === 0 ? message : { ...message, signature: bytesToHex(bytes) };
}

export function decisionItem({ checkpoint, certificate, nextSet }: Decision): RlpItem {
  return [checkpointItem(checkpoint), certificateItem(certificate), optionalItem(nextSet, honorSetItem)];
}

export function decisionOf(item: RlpItem | undefined): Decision {
  const fields = listOf(item, "decision", 3, 3);
  return {
    checkpoint: checkpointOf(fields[0]),
    certificate: certificateOf(fields[1]),
    nextSet: optionalOf(fields[2], honorSetOf),
  };
}
