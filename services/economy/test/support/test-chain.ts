import { parseGenesis } from "@aios/consensus/domain/genesis";
import { type ConsensusNode, startNode } from "@aios/consensus/start-node";
import { deployProtocol } from "@aios/contracts/deploy";
import { PARAMETER_DEFAULTS } from "@aios/contracts/parameters";
import type { Peer } from "@aios/testkit/peer";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { HDNodeWallet, JsonRpcProvider, Mnemonic, parseEther, Wallet } from "ethers";

/** Well-known test phrase; its accounts hold money on test chains only. */
const PHRASE = "test test test test test test test test test test test junk";
const CHAIN_ID = 31_337;

/** Account number `index` of the test phrase. */
export function testWallet(index: number): Wallet {
  const { privateKey } = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(PHRASE), `m/44'/60'/0'/0/${index}`);
  return new Wallet(privateKey);
}

export const ACCOUNTS = {
  deployer: testWallet(0),
  relayer: testWallet(1),
  matcher: testWallet(2),
  anchor: testWallet(3),
  developer: testWallet(4),
  business: testWallet(5),
  provider: testWallet(6),
} as const;

export interface TestChain extends Peer {
  readonly url: string;
  readonly provider: JsonRpcProvider;
  stop(): Promise<void>;
}

function genesis() {
  const alloc = Object.fromEntries(
    Object.values(ACCOUNTS).map((wallet) => [
      wallet.address.toLowerCase(),
      { balanceWei: parseEther("1000000").toString() },
    ]),
  );
  return parseGenesis({
    name: "test",
    chainId: CHAIN_ID,
    timestampSeconds: Math.floor(Date.now() / 1_000) - 10,
    feeRecipient: `0x${"fe".repeat(20)}`,
    baseFeeSplit: { burnedBps: 10_000, recipients: [] },
    alloc,
  });
}

/** Our own node on a free port, without contracts. */
export async function startTestChain(): Promise<TestChain> {
  const directory = temporaryDirectory("chain");
  const chainGenesis = genesis();
  const start = (port: number): Promise<ConsensusNode> =>
    startNode({ genesis: chainGenesis, dataDir: directory.path, port, settings: { minIntervalMs: 20 } });
  const first = await start(0);
  const { port, url } = first;
  let node: ConsensusNode | undefined = first;
  const end = async (): Promise<void> => {
    await node?.stop();
    node = undefined;
  };
  const provider = new JsonRpcProvider(url, CHAIN_ID, {
    polling: true,
    pollingInterval: 50,
    cacheTimeout: -1,
  });
  return {
    url,
    provider,
    async stop() {
      provider.destroy();
      await end();
      directory.remove();
    },
    kill: end,
    async restart() {
      await end();
      node = await start(port);
    },
  };
}

/** Puts the protocol on the chain; wrapped coins for developer, business and provider. Answers the registry. */
export async function deployTestProtocol(
  provider: JsonRpcProvider,
): Promise<Readonly<Record<string, string>>> {
  const funded = [ACCOUNTS.developer, ACCOUNTS.business, ACCOUNTS.provider];
  const deployment = await deployProtocol({
    provider,
    signer: ACCOUNTS.deployer.connect(provider),
    parameters: {
      ...PARAMETER_DEFAULTS,
      treasury: ACCOUNTS.deployer.address,
      anchor: ACCOUNTS.anchor.address,
      minimumStakeWei: parseEther("50"),
      unbondDelaySeconds: 60,
      protocolFeeBps: 500,
      minimumRoyaltyBps: 500,
      maximumRoyaltyBps: 1_500,
      challengeWindowSeconds: 5,
      initialWrappedBalances: funded.map((wallet) => ({
        account: wallet.address,
        amountWei: parseEther("10000"),
      })),
    },
  });
  return deployment.contracts;
}
