import { fromHex } from "@aios/core-rlp/hex";
import type { GetStatusResponse, WatchCheckpointsResponse } from "@aios/proto/aios/consensus/v1/consensus";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { Observable } from "rxjs";
import { type Checkpoint, ConsensusStatus } from "../../application/consensus-status.js";
import { NODE_ENDPOINTS, type NodeEndpoints } from "../../tokens.js";

@Controller()
@AllowCallers("gateway", "storage", "compute", "zk-prover", "marketplace", "economy", "scoring")
export class ConsensusController {
  constructor(
    @Inject(ConsensusStatus) private readonly status: ConsensusStatus,
    @Inject(NODE_ENDPOINTS) private readonly endpoints: NodeEndpoints,
  ) {}

  @GrpcMethod("ConsensusService", "GetStatus")
  getStatus(): GetStatusResponse {
    const latestHeight = this.status.head().number;
    return {
      chainId: this.status.chainId,
      clientVersion: this.endpoints.clientVersion,
      latestHeight,
      finalizedHeight: this.status.finalizedHeight(),
      jsonRpcUrl: this.endpoints.url,
      webSocketUrl: this.endpoints.webSocketUrl,
      pendingTransactions: this.status.pendingTransactions,
    };
  }

  @GrpcMethod("ConsensusService", "WatchCheckpoints")
  watchCheckpoints(): Observable<WatchCheckpointsResponse> {
    return new Observable((subscriber) => {
      const abort = new AbortController();
      const forward = async (): Promise<void> => {
        for await (const checkpoint of this.status.checkpoints(abort.signal))
          subscriber.next(toMessage(checkpoint));
        subscriber.complete();
      };
      forward().catch((error: unknown) => subscriber.error(error));
      return () => abort.abort();
    });
  }
}

function toMessage({
  header,
  finalizedHeight: finalized,
  transactionCount,
}: Checkpoint): WatchCheckpointsResponse {
  return {
    height: header.number,
    blockHash: fromHex(header.hash),
    stateRoot: fromHex(header.stateRoot),
    finalizedHeight: finalized,
    transactionCount,
    timestampSeconds: header.timestamp,
  };
}
