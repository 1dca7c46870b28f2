import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import {
  EconomyServiceService,
  type GetProtocolRequest,
  GetProtocolResponse,
} from "@aios/proto/aios/economy/v1/economy";
import { PeerServer } from "@aios/testkit/peer-server";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";

/** Economy's contract as the prover uses it. */
export class FakeEconomy {
  readonly peer = new PeerServer();
  /** What the verifier on chain is deployed with; empty: economy does not say. */
  honkTauG2: readonly string[] = DEVELOPMENT_TAU_G2;

  static async start(): Promise<FakeEconomy> {
    const economy = new FakeEconomy();
    economy.peer.add(
      { getProtocol: EconomyServiceService.getProtocol },
      {
        getProtocol: (
          _: ServerUnaryCall<GetProtocolRequest, GetProtocolResponse>,
          callback: sendUnaryData<GetProtocolResponse>,
        ) => callback(null, GetProtocolResponse.fromPartial({ honkTauG2: [...economy.honkTauG2] })),
      },
    );
    await economy.peer.start();
    return economy;
  }
}
