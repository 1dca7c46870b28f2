import { abi as receiptRegistryAbi } from "@aios/contracts/abi/receipt-registry";
import { EconomyBesideOthers } from "@aios/economy/test/support/economy-beside-others";
import { economyClient } from "@aios/economy/test/support/economy-platform";
import { address } from "@aios/kernel/identifiers";
import { Contract } from "ethers";
import { EconomyAnchor } from "../../src/adapters/peers/economy.anchor.js";
import { anchorConformance } from "../conformance/anchor.conformance.js";

anchorConformance("EconomyAnchor on the economy service", async () => {
  const platform = await EconomyBesideOthers.start();
  const { foundation, economy, chain, contracts } = platform;
  const client = await economyClient(foundation, economy.ports.grpcPort, "scoring");
  const registry = contracts["ReceiptRegistry"] ?? "";
  const contract = new Contract(registry, receiptRegistryAbi, chain.provider);
  return {
    open: () => new EconomyAnchor(client),
    peer: economy,
    domain: { chainId: 31_337n, receiptRegistry: address(registry) },
    async anchored() {
      const count = Number(await contract.getFunction("batchCount")());
      const batches = Array.from({ length: count }, (_, index) => contract.getFunction("batchOf")(index + 1));
      return (await Promise.all(batches)).map(({ root }: { root: string }) => root);
    },
    close: () => platform.stop(),
  };
});
