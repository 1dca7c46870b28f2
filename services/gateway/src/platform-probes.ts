import { isCodedError } from "@aios/kernel/coded-error";
import type { ConsensusServiceService } from "@aios/proto/aios/consensus/v1/consensus";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import type { Peers } from "./app.module.js";
import type { PlatformProbe } from "./application/platform-status.use-case.js";

const NO_JOB = `0x${"0".repeat(64)}`;
const NO_ACCOUNT = `0x${"0".repeat(40)}`;

interface Limits {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly idempotent: false;
}

function within(signal: AbortSignal): Limits {
  return { deadlineMs: 1_500, signal, idempotent: false };
}

/** A cheap question to each service, whose answer says something about its state. */
export function platformProbes(
  peers: Peers,
  consensus: GrpcClient<typeof ConsensusServiceService>,
): readonly PlatformProbe[] {
  return [
    {
      name: "consensus",
      probe: async (signal) => {
        const status = await consensus.getStatus({}, within(signal));
        return `block ${status.latestHeight}, final ${status.finalizedHeight}`;
      },
    },
    {
      name: "economy",
      probe: async (signal) => {
        const status = await peers.economy.getIndexerStatus({}, within(signal));
        return `indexed ${status.indexedHeight} of ${status.headHeight}`;
      },
    },
    {
      name: "compute",
      probe: async (signal) => {
        const { providers } = await peers.compute.listProviders({}, within(signal));
        return `${providers.filter((provider) => provider.online).length} of ${providers.length} providers online`;
      },
    },
    {
      name: "storage",
      probe: (signal) => answersAtAll(() => peers.contentKeys.getWrappingKey({}, within(signal))),
    },
    {
      name: "marketplace",
      probe: (signal) =>
        answersAtAll(() => peers.marketplace.listModels({ pageSize: 1, pageToken: "" }, within(signal))),
    },
    {
      name: "zk-prover",
      probe: (signal) => answersAtAll(() => peers.prover.getProof({ jobId: NO_JOB }, within(signal))),
    },
    {
      name: "scoring",
      probe: (signal) =>
        answersAtAll(() => peers.scoring.getContribution({ account: NO_ACCOUNT }, within(signal))),
    },
  ];
}

/** A refusal is an answer too; only silence is not. */
async function answersAtAll(ask: () => Promise<unknown>): Promise<string> {
  try {
    await ask();
  } catch (error) {
    if (!isCodedError(error) || error.errorClass !== "user") throw error;
  }
  return "answers";
}
