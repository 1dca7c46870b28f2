import { randomBytes } from "node:crypto";
import { abi as receiptRegistryAbi } from "@aios/contracts/abi/receipt-registry";
import { ChainSigner, TransactionState } from "@aios/proto/aios/economy/v1/economy";
import { getBytes, Interface, JsonRpcProvider } from "ethers";
import {
  economyClient,
  economyEnv,
  startEconomy,
  startFoundation,
} from "../test/support/economy-platform.js";
import { ACCOUNTS, deployTestProtocol, startTestChain } from "../test/support/test-chain.js";

const RUNS = 20;
const receipts = new Interface(receiptRegistryAbi);

const [foundation, chain] = await Promise.all([startFoundation(), startTestChain()]);
const contracts = await deployTestProtocol(chain.provider);
const economy = await startEconomy(await economyEnv(foundation, chain.url));
const client = await economyClient(foundation, economy.ports.grpcPort, "scoring");
const throughOutbox: number[] = [];
const direct: number[] = [];
let batch = 0;

function anchorCall(): string {
  batch += 1;
  return receipts.encodeFunctionData("anchor", [batch, randomBytes(32), 1]);
}

for (let run = 0; run < RUNS; run++) {
  const data = getBytes(anchorCall());
  const startedAt = performance.now();
  const { transaction } = await client.submitTransaction({
    idempotencyKey: `bench-${run}`,
    signer: ChainSigner.CHAIN_SIGNER_ANCHOR,
    contract: "ReceiptRegistry",
    data,
    valueWei: "0",
    purpose: "bench",
    subject: "",
  });
  for await (const { transaction: now } of client.watchTransaction({
    transactionId: transaction?.transactionId ?? "",
  })) {
    if ((now?.state ?? 0) >= TransactionState.TRANSACTION_STATE_MINED) break;
  }
  throughOutbox.push(performance.now() - startedAt);
}
await economy.stop();

// The peer: the same call sent by ethers' wallet, as a script without an outbox would.
const provider = new JsonRpcProvider(chain.url, 31_337, {
  polling: true,
  pollingInterval: 10,
  cacheTimeout: -1,
});
const wallet = ACCOUNTS.anchor.connect(provider);
for (let run = 0; run < RUNS; run++) {
  const startedAt = performance.now();
  const sent = await wallet.sendTransaction({ to: contracts["ReceiptRegistry"] ?? "", data: anchorCall() });
  await sent.wait();
  direct.push(performance.now() - startedAt);
}
provider.destroy();
await chain.stop();
await foundation.stop();

const p50 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const figure = {
  suite: "chain-outbox",
  name: "submit to mined, p50",
  value: Math.round(p50(throughOutbox)),
  unit: "ms",
  goal: 300,
  better: "lower",
  peer: "ethers wallet without an outbox",
  peerValue: Math.round(p50(direct)),
};
if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(figure)}\n`);
else console.table([figure]);
