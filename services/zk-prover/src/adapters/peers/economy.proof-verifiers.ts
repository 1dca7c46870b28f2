import type { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import type { ProofVerifiers, TauG2Words } from "../../domain/ports.js";

const WORD = /^0x[0-9a-f]{64}$/;

/** As the economy service reads them from the contracts. */
export class EconomyProofVerifiers implements ProofVerifiers {
  constructor(private readonly economy: GrpcClient<typeof EconomyServiceService>) {}

  async honkTauG2(): Promise<TauG2Words | undefined> {
    const { honkTauG2 } = await this.economy.getProtocol({});
    const [a, b, c, d, ...more] = honkTauG2;
    // One of the release before does not say.
    if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined;
    if (more.length > 0 || !honkTauG2.every((word) => WORD.test(word)))
      throw new TypeError("economy answered with what is no point");
    return [a, b, c, d];
  }
}
