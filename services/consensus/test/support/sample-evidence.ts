import type { EvidenceRecord } from "@aios/consensus/domain/honor-ports";
import { blsPublicKey, blsSign } from "@aios/core-finality/bls-signatures";
import { signedBytes, type Vote } from "@aios/core-finality/messages";

const CHAIN = "aios:1:test";
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Two prevotes, one for nil, of a member whose secret is made of one byte. */
export function sampleEvidence(member: number, foundAtHeight: number): EvidenceRecord {
  const secret = new Uint8Array(32).fill(member);
  const ids = [undefined, "ab".repeat(32)];
  const [first, second] = ids.map((checkpointId) => {
    const vote: Vote = { kind: "prevote", height: 7, round: 2, checkpointId, sender: 0 };
    const bytes = signedBytes(CHAIN, vote);
    return { statement: `0x${hex(bytes)}`, signature: `0x${hex(blsSign(secret, bytes))}` };
  }) as [{ statement: string; signature: string }, { statement: string; signature: string }];
  return {
    offence: {
      setNumber: 3,
      seat: 0,
      account: `0x${member.toString(16).padStart(40, "0")}`,
      publicKey: hex(blsPublicKey(secret)),
      claim: {
        kind: "double-message",
        step: "prevote",
        height: 7,
        round: 2,
        statements: ids.map((checkpointId) => ({ checkpointId, validRound: 0 })),
      },
      first,
      second,
    },
    foundAtHeight,
    transaction: undefined,
    failures: 0,
  };
}
