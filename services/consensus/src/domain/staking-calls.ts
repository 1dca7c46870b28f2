import { encodePublicKeyForEvm, encodeSignatureForEvm } from "@aios/core-finality/eip2537-encoding";
import { fromHex } from "@aios/core-rlp/hex";
import type { Address } from "@aios/kernel/identifiers";
import { utf8ToBytes } from "@noble/hashes/utils";
import { abiBytes, abiCall, abiTuple, abiWord } from "./abi.js";
import type { ReportedOffence } from "./honor-ports.js";

const KINDS = ["proposal", "prevote", "precommit"] as const;
const NIL = new Uint8Array(32);

/** A seat's key as it travels: 48 bytes, and the proof that its secret is known, 96 bytes. */
export interface ProvenKey {
  readonly publicKey: Uint8Array;
  readonly possession: Uint8Array;
}

/** Where peers find a node. */
export interface NodeContact {
  /** Ed25519, 64 hex digits. */
  readonly nodeKey: string;
  /** By that key, over `nodeKeyStatement`: 64 bytes. Peers dial no node that does not show it. */
  readonly signature: Uint8Array;
  /** host:port; empty: peers know it otherwise. */
  readonly endpoint: string;
}

/** Joins the candidates; the coins that go with the call are the deposit. */
export function registerCall(key: ProvenKey, { nodeKey, signature, endpoint }: NodeContact): Uint8Array {
  return abiCall(
    "register(bytes,bytes,bytes32,bytes32[2],string)",
    ...encoded(key),
    abiWord(fromHex(`0x${nodeKey}`)),
    abiTuple([abiWord(signature.subarray(0, 32)), abiWord(signature.subarray(32))]),
    abiBytes(utf8ToBytes(endpoint)),
  );
}

export function rotateKeyCall(key: ProvenKey): Uint8Array {
  return abiCall("rotateKey(bytes,bytes)", ...encoded(key));
}

export function unbondCall(): Uint8Array {
  return abiCall("unbond()");
}

/** Pays an account what its deposit has earned. */
export function withdrawRewardsCall(account: Address): Uint8Array {
  return abiCall("withdrawRewards(address)", abiWord(BigInt(account)));
}

/** Shows an offence to the staking contract, which takes the deposit of the guilty. */
export function slashCall({ publicKey, claim, first, second }: ReportedOffence): Uint8Array {
  const key = abiBytes(encodePublicKeyForEvm(fromHex(`0x${publicKey}`)));
  const signatures = abiTuple(
    [first, second].map(({ signature }) => abiBytes(encodeSignatureForEvm(fromHex(signature)))),
  );
  if (claim.kind === "double-block") {
    const { setNumber, seat, tick, blockIds } = claim;
    return abiCall(
      "slashDoubleBlock(bytes,(uint64,uint64,uint64),bytes32[2],bytes[2])",
      key,
      abiTuple([abiWord(setNumber), abiWord(seat), abiWord(tick)]),
      abiTuple(blockIds.map((id) => abiWord(fromHex(`0x${id}`)))),
      signatures,
    );
  }
  const { step, height, round, statements } = claim;
  return abiCall(
    "slashDoubleMessage(bytes,(uint8,uint64,uint64),(bytes32,int64)[2],bytes[2])",
    key,
    abiTuple([abiWord(KINDS.indexOf(step)), abiWord(height), abiWord(round)]),
    abiTuple(
      statements.map(({ checkpointId, validRound }) =>
        abiTuple([
          abiWord(checkpointId === undefined ? NIL : fromHex(`0x${checkpointId}`)),
          abiWord(validRound),
        ]),
      ),
    ),
    signatures,
  );
}

function encoded({
  publicKey,
  possession,
}: ProvenKey): [ReturnType<typeof abiBytes>, ReturnType<typeof abiBytes>] {
  return [abiBytes(encodePublicKeyForEvm(publicKey)), abiBytes(encodeSignatureForEvm(possession))];
}
