import { EconomyServiceService } from "@aios/proto/aios/economy/v1/economy";
import { createGrpcClient } from "@aios/service-kit/grpc-client";
import { EconomyProofVerifiers } from "../../src/adapters/peers/economy.proof-verifiers.js";
import { proofVerifiersConformance } from "../conformance/proof-verifiers.conformance.js";
import { FakeEconomy } from "../support/fake-economy.js";

proofVerifiersConformance("EconomyProofVerifiers on FakeEconomy", async () => {
  const economy = await FakeEconomy.start();
  const client = createGrpcClient(EconomyServiceService, economy.peer.url, { audience: "economy" });
  return {
    verifiers: new EconomyProofVerifiers(client),
    peer: economy.peer,
    deployed(words) {
      economy.honkTauG2 = words;
    },
    async close() {
      client[Symbol.dispose]();
      economy.peer.stop();
    },
  };
});
