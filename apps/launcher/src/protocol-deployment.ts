import { readFileSync } from "node:fs";
import { deployProtocol } from "@aios/contracts/deploy";
import { PARAMETER_DEFAULTS } from "@aios/contracts/parameters";
import { aios } from "@aios/kernel/units";
import { JsonRpcProvider, Wallet } from "ethers";
import type { HonkPowers } from "./honk-powers.js";
import type { AccountName, Identities } from "./identities.js";

/** Wrapped coin that the local parties pay and stake with, from the community's share. */
const WRAPPED_AIOS: readonly (readonly [AccountName, number])[] = [
  ["developer", 50_000],
  ["business", 50_000],
  ["provider-1", 50_000],
  ["provider-2", 50_000],
];

/** Deploys what is not deployed yet and gives the parties their wrapped balances, once. Returns addresses by name. */
export async function ensureProtocol(
  jsonRpcUrl: string,
  { accounts }: Identities,
  onStep: (step: string) => void,
  honkPowers?: Pick<HonkPowers, "tauG2">,
): Promise<Readonly<Record<string, string>>> {
  const provider = new JsonRpcProvider(jsonRpcUrl, undefined, {
    polling: true,
    pollingInterval: 100,
    cacheTimeout: -1,
  });
  try {
    const signer = new Wallet(readFileSync(accounts.deployer.keyFile, "utf8").trim(), provider);
    const { contracts } = await deployProtocol({
      provider,
      signer,
      parameters: {
        ...PARAMETER_DEFAULTS,
        ...(honkPowers === undefined ? {} : { honkTauG2: honkPowers.tauG2 }),
        treasury: accounts.treasury.address,
        anchor: accounts.anchor.address,
        initialWrappedBalances: WRAPPED_AIOS.map(([name, amount]) => ({
          account: accounts[name].address,
          amountWei: aios(amount),
        })),
      },
      onStep,
    });
    return contracts;
  } finally {
    provider.destroy();
  }
}
