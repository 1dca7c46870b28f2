import { join } from "node:path";
import type { ServiceContext } from "@aios/service-kit/service-context";
import type { DynamicModule } from "@nestjs/common";
import { ConsensusController } from "./adapters/grpc/consensus.controller.js";
import { ConsensusStatus } from "./application/consensus-status.js";
import { type consensusSettings, honorOptions, nodeSettings } from "./config.js";
import { readGenesis } from "./genesis-file.js";
import { metrics } from "./metrics.js";
import { CLIENT_VERSION } from "./node/node-rpc.js";
import { type ConsensusNode, startNode } from "./start-node.js";
import { NODE_ENDPOINTS, type NodeEndpoints } from "./tokens.js";

const UNHEALTHY_AFTER_FAILURES = 3;

class ConsensusModule {}

/** The node inside the service: its metrics, health and end. */
export async function consensusModule(
  context: ServiceContext<typeof consensusSettings>,
): Promise<DynamicModule> {
  const { settings, logger, clock, health } = context;
  const honor = await honorOptions(settings);
  let lastFailure = "";
  const node = await startNode({
    ...(honor === undefined ? {} : { honor }),
    onOffence(offence) {
      metrics.offences.add(1, { kind: offence.claim.kind });
      logger.warn({ offence }, "a member of the honor set can be proven guilty");
    },
    onRefused(counts) {
      for (const [reason, count] of counts) metrics.packetsRefused.add(count, { reason });
    },
    genesis: await readGenesis(settings.CONSENSUS_GENESIS_FILE),
    dataDir: join(settings.AIOS_DATA_DIR, "consensus"),
    ...settings.CONSENSUS_JSON_RPC_LISTEN,
    clock,
    settings: nodeSettings(settings),
    leaving: context.leaving,
    producerObserver: {
      produced(block, durationMs) {
        metrics.checkpointDuration.record(durationMs);
        metrics.transactionsExecuted.add(block.transactions.length);
        metrics.gasUsed.add(Number(block.header.gasUsed));
        for (const drop of block.dropped) metrics.transactionsDropped.add(1, { reason: drop.code });
        logger.debug(
          { height: block.header.number, transactions: block.transactions.length, durationMs },
          "checkpoint",
        );
      },
      failed(error, attempt) {
        lastFailure = error instanceof Error ? error.message : String(error);
        metrics.checkpointFailures.add(1);
        logger.error({ error, attempt }, "a checkpoint could not be made");
      },
    },
    rpcObserver: {
      called(method, durationMs, errorCode) {
        metrics.rpcDuration.record(durationMs, { method });
        if (errorCode !== undefined) metrics.rpcErrors.add(1, { method, code: errorCode });
      },
      internalError: (method, error) =>
        logger.error({ method, error }, "a JSON-RPC call failed inside the node"),
      ended(error, times) {
        metrics.rpcThreadEnds.add(1);
        logger.error(
          { error, times },
          "the thread that serves JSON-RPC ended by itself: another takes its place",
        );
      },
    },
    onListenerError: (error) => logger.error({ error }, "a listener of chain events failed"),
  });
  context.onShutdown("chain node", () => node.stop());
  observe(node);
  const producing = async (): Promise<void> => {
    if (node.producer.failures >= UNHEALTHY_AFTER_FAILURES) {
      throw new Error(
        `${node.producer.failures} attempts in a row to make a checkpoint failed: ${lastFailure}`,
      );
    }
  };
  // The state is still read and transactions are still taken in; they are in a block once one can be made again.
  health.register("checkpoint-producer", producing, "never");
  logger.info(
    {
      url: node.url,
      peerPort: node.honor?.peerPort,
      height: node.status.head().number,
      chainId: node.status.chainId,
    },
    "JSON-RPC is up",
  );
  const endpoints: NodeEndpoints = {
    url: node.url,
    webSocketUrl: node.webSocketUrl,
    clientVersion: CLIENT_VERSION,
  };
  return {
    module: ConsensusModule,
    controllers: [ConsensusController],
    providers: [
      { provide: ConsensusStatus, useValue: node.status },
      { provide: NODE_ENDPOINTS, useValue: endpoints },
    ],
  };
}

function observe(node: ConsensusNode): void {
  metrics.latestHeight.observe(() => node.producer.latest().number);
  metrics.finalizedHeight.observe(() => node.producer.finalizedHeight());
  metrics.mempoolTransactions.observe(() => node.mempool.pool.size);
  metrics.mempoolBytes.observe(() => node.mempool.pool.totalBytes);
}
