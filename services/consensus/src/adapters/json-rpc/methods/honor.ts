import { groupOf, type HonorSet, honorSetId } from "@aios/core-committee/honor-set";
import type { Certificate } from "@aios/core-finality/certificate";
import { checkpointId } from "@aios/core-finality/checkpoint";
import type { Decision } from "@aios/core-honor-node/node-protocol";
import { toHex } from "@aios/core-rlp/hex";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address } from "@aios/kernel/identifiers";
import type { EvidenceReporter } from "../../../application/honor/evidence-reporter.js";
import type { BlockSummary } from "../../../domain/honor-ports.js";
import type { HonorView } from "../../../domain/honor-view.js";
import { hexNumber, type RpcValue } from "../format.js";
import type { RpcMethods } from "../method.js";
import { smallNumber } from "../parameters.js";
import { limitExceeded } from "../rpc-error.js";

/** Ticks that one answer covers at most. */
const MAX_TICKS = 256;
/** Hand-overs that one answer holds at most: with them a light client goes on from the last set. */
const MAX_HAND_OVERS = 64;

export interface HonorBackend {
  /** Absent where one node makes the chain. */
  readonly honor?: HonorView | undefined;
  /** Evidence that this node keeps. */
  readonly evidence?: { list(): Promise<ReturnType<EvidenceReporter["list"]>> } | undefined;
  /** Where candidates stand; absent on a chain whose set stays. */
  readonly stakingContract?: Address | undefined;
}

/** What a user sees of the protocol: the DAG, certificates, the honor set, offences and peers. */
export function honorMethods({ honor, evidence, stakingContract }: HonorBackend): RpcMethods {
  const ask = (): HonorView => {
    if (honor !== undefined) return honor;
    throw new CodedError({
      code: "not-an-honor-chain",
      kind: "unimplemented",
      message: "One node makes this chain: there is no honor set, no DAG and no certificate.",
    });
  };
  return {
    net_peerCount: async () => hexNumber(honor === undefined ? 0 : (await honor.status()).peers.length),
    aios_honorStatus: async (): Promise<RpcValue> => {
      const status = await ask().status();
      return {
        signingChainId: status.chainId,
        height: hexNumber(status.height),
        tick: hexNumber(Math.max(0, status.tick)),
        seat: status.seat === undefined ? null : hexNumber(status.seat),
        nodeKey: status.nodeKey,
        peers: status.peers,
        tips: status.tips,
        time: { ...status.time },
        orderDelays: { ...status.orderDelays },
        traffic: { ...status.traffic },
        held: { ...status.held },
        log: { ...status.log },
        droppedPackets: Object.fromEntries(status.droppedPackets),
        peerScores: Object.fromEntries(status.peerScores),
      };
    },
    aios_getDag: async ([from, to]): Promise<RpcValue> => {
      const view = ask();
      const [fromTick, toTick] = [smallNumber(from, "first tick"), smallNumber(to, "last tick")];
      if (toTick - fromTick >= MAX_TICKS) throw limitExceeded(`at most ${MAX_TICKS} ticks are shown at once`);
      const blocks = await view.dag(fromTick, toTick);
      if (blocks === undefined) throw limitExceeded("these ticks have too many blocks: ask for fewer");
      const numbers = [...new Set(blocks.map(({ setNumber }) => setNumber))];
      const sets = await Promise.all(numbers.map((number) => view.honorSet(number)));
      const sizes = new Map(numbers.map((number, at) => [number, sets[at]?.members.length]));
      return blocks.map((one) => blockValue(one, sizes.get(one.setNumber)));
    },
    aios_getCertificate: async ([value]): Promise<RpcValue> => {
      const decision = await ask().decision(smallNumber(value, "height"));
      return decision === undefined ? null : decisionValue(decision);
    },
    aios_getHonorSet: async ([value]): Promise<RpcValue> => {
      const number = value === undefined ? undefined : smallNumber(value, "set number");
      const [status, set] = await Promise.all([ask().status(), ask().honorSet(number)]);
      return set === undefined
        ? null
        : {
            signingChainId: status.chainId,
            stakingContract: stakingContract ?? null,
            ...setValue(set),
          };
    },
    aios_getHandOvers: async ([value]): Promise<RpcValue> =>
      (await ask().handOvers(smallNumber(value, "set number"), MAX_HAND_OVERS)).map(decisionValue),
    aios_getEvidence: async (): Promise<RpcValue> => {
      ask();
      return ((await evidence?.list()) ?? []).map(({ record, state }) => {
        const { claim, setNumber, seat, account, publicKey, first, second } = record.offence;
        return {
          kind: claim.kind,
          setNumber: hexNumber(setNumber),
          seat: hexNumber(seat),
          account,
          publicKey: `0x${publicKey}`,
          state,
          transaction: record.transaction ?? null,
          first: { ...first },
          second: { ...second },
        };
      });
    },
    aios_getPeers: async (): Promise<RpcValue> => (await ask().status()).peers,
  };
}

function blockValue(block: BlockSummary, setSize: number | undefined): RpcValue {
  return {
    id: block.id,
    setNumber: hexNumber(block.setNumber),
    seat: hexNumber(block.seat),
    group: setSize === undefined ? null : hexNumber(groupOf(setSize, block.seat)),
    tick: hexNumber(block.tick),
    parents: block.parents,
    transactions: block.transactions.map((hash) => `0x${hash}`),
    signature: `0x${block.signature}`,
    selectedParent: block.selectedParent ?? null,
    blueScore: hexNumber(block.blueScore),
    mergesetBlues: block.mergesetBlues,
    mergesetReds: block.mergesetReds,
  };
}

function decisionValue({ checkpoint, certificate, nextSet }: Decision): RpcValue {
  return {
    checkpoint: {
      id: checkpointId(checkpoint),
      height: hexNumber(checkpoint.height),
      parentId: checkpoint.parentId,
      parentRound: hexNumber(checkpoint.parentRound),
      tip: checkpoint.tip,
      tick: hexNumber(checkpoint.tick),
      attestedRoot: `0x${checkpoint.attestedRoot}`,
      nextSetId: checkpoint.nextSetId,
      ...(checkpoint.attestedDag === undefined ? {} : { attestedDag: checkpoint.attestedDag }),
    },
    certificate: certificateValue(certificate),
    nextSet: nextSet === undefined ? null : setValue(nextSet),
  };
}

function certificateValue({ round, signers, signature }: Certificate): RpcValue {
  const seats: string[] = [];
  for (let seat = 0; seat < signers.length * 8; seat++)
    if ((((signers[seat >> 3] ?? 0) >> (seat & 7)) & 1) === 1) seats.push(hexNumber(seat));
  return { round: hexNumber(round), signers: toHex(signers), seats, signature: toHex(signature) };
}

function setValue(set: HonorSet): { readonly [field: string]: RpcValue } {
  const size = set.members.length;
  return {
    number: hexNumber(set.number),
    id: honorSetId(set),
    members: set.members.map(({ account, publicKey }, seat) => ({
      seat: hexNumber(seat),
      group: hexNumber(groupOf(size, seat)),
      account,
      publicKey: `0x${publicKey}`,
    })),
  };
}
