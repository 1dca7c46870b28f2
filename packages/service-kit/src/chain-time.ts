import { ChainClock } from "@aios/kernel/chain-clock";
import type { Clock } from "@aios/kernel/clock";
import { durationMs } from "@aios/kernel/units";
import { ConsensusServiceService } from "@aios/proto/aios/consensus/v1/consensus";
import type { GrpcClient } from "./grpc-client.js";
import type { Logger } from "./logger.js";
import type { ServiceContext } from "./service-context.js";

const RECONNECT_AFTER_MS = 1_000;

type Consensus = Pick<GrpcClient<typeof ConsensusServiceService>, "watchCheckpoints">;

/**
 * The chain's time for a service that sets or judges deadlines of the chain. Follows the checkpoints of the node at
 * `CONSENSUS_GRPC_URL`, which must be a setting, until the service ends; without word of it the machine's clock counts on.
 */
export function chainTimeOf(context: ServiceContext): ChainClock {
  const consensus = context.grpcClient(ConsensusServiceService, "CONSENSUS_GRPC_URL");
  const clock = new ChainClock(context.clock);
  const stop = new AbortController();
  const followed = followCheckpoints(consensus, clock, context.clock, context.logger, stop.signal);
  context.onShutdown("chain time", () => {
    stop.abort();
    return followed;
  });
  return clock;
}

/** Tells the clock of every checkpoint until the signal aborts. Of the first one of a stream nobody knows how old it is. */
export async function followCheckpoints(
  consensus: Consensus,
  chain: ChainClock,
  machine: Clock,
  logger: Pick<Logger, "warn">,
  signal: AbortSignal,
): Promise<void> {
  let told = false;
  while (!signal.aborted) {
    try {
      let isFirst = true;
      for await (const { timestampSeconds } of consensus.watchCheckpoints({}, { signal })) {
        if (isFirst) chain.sawBlock(timestampSeconds);
        else chain.sawNewBlock(timestampSeconds);
        isFirst = false;
        told = false;
      }
    } catch (error) {
      if (!signal.aborted && !told)
        logger.warn({ error }, "no word of the chain's time; this clock counts on");
      told = true;
    }
    await machine.wait(durationMs(RECONNECT_AFTER_MS), signal).catch(() => undefined);
  }
}
