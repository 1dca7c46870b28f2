import { durationMs } from "@aios/kernel/units";
import type { Job, JobPayment, Placement } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { until } from "@aios/sdk/until";
import { escrowInterface } from "@aios/sdk/verification/chain-evidence";
import type { FlowContext } from "./fault-flows.js";
import { type Lie, LyingProvider } from "./lying-provider.js";

/** What came of a job whose first provider lied. */
export interface LieOutcome {
  readonly job: Job;
  readonly payments: readonly JobPayment[];
  readonly placements: readonly Placement[];
  /** How compute answered the liar's results. */
  readonly answers: readonly string[];
}

const READY_WITHIN_MS = 60_000;
/** Least price: whoever leaves a buyer's cap hardly any room for others gets the job. */
const LIARS_PRICE_WEI = "1";
/** A liar that stays in business. */
const FORBEARANCE = { MAXIMUM_RECENT_FAULTS: "1000" };
/** An order that nobody takes is refunded soon. */
const SHORT_LEASE_TIME = { ...FORBEARANCE, LEASE_WITHIN: "20s" };
/** A withheld result is late soon; and no proof is waited for: results go on chain before it. */
const SHORT_DELIVERY_TIME = {
  ...FORBEARANCE,
  LEASE_WITHIN: "15m",
  DELIVER_WITHIN_INFERENCE: "6s",
  DELIVER_MARGIN: "1m",
};

/** A platform one of whose two providers lies about the jobs that it is told to lie about. */
export class LyingBench {
  readonly liar: LyingProvider;
  /** What a proven inference costs with the honest provider, and a little: the cheaper one is preferred by far. */
  readonly #capWei: bigint;
  readonly #context: FlowContext;
  readonly #buyer: AiosClient;

  private constructor(context: FlowContext, buyer: AiosClient, liar: LyingProvider, capWei: bigint) {
    this.#context = context;
    this.#buyer = buyer;
    this.liar = liar;
    this.#capWei = capWei;
  }

  /** Puts the liar on the line of `provider-1`; `provider-2` stays honest. */
  static async start(context: FlowContext): Promise<LyingBench> {
    const { platform } = context.local;
    const buyer = context.local.client("business");
    const honestWei = await priceWei(buyer, context);
    const protocol = await buyer.protocol();
    const compute = `127.0.0.1:${platform.ports.get("grpc-compute")}`;
    const liar = await LyingProvider.start(compute, platform.privateKey("provider-1"), protocol);
    await platform.supervisor.restartWith(
      "provider-1",
      { COMPUTE_GRPC_URL: liar.url, PROVIDER_PRICE_INFERENCE_WEI: LIARS_PRICE_WEI },
      READY_WITHIN_MS,
    );
    return new LyingBench(context, buyer, liar, honestWei + honestWei / 200n);
  }

  /** From now on orders that nobody takes are refunded after seconds. */
  shortenLeaseTime(): Promise<void> {
    return this.#restartCompute(SHORT_LEASE_TIME);
  }

  /** From now on a provider has seconds to deliver, and results go on chain before their proof. */
  shortenDeliveryTime(): Promise<void> {
    return this.#restartCompute(SHORT_DELIVERY_TIME);
  }

  async #restartCompute(env: Readonly<Record<string, string>>): Promise<void> {
    await this.#context.local.platform.supervisor.restartWith("compute", env, READY_WITHIN_MS);
    await until(
      () => this.#buyer.providers(),
      (providers) => providers.filter(({ online }) => online).length === 2,
    );
  }

  /** A job that the liar gets and lies about. */
  buy(lie: Lie, act: (jobId: string) => Promise<void> = async () => undefined): Promise<LieOutcome> {
    return this.#buy(lie, this.#capWei, act);
  }

  /**
   * A job that pays too little for anybody but the liar, who lies about it. Resolves when it is placed, to what becomes
   * of it.
   */
  async buyFromNobodyElse(lie: Lie): Promise<{ readonly outcome: Promise<LieOutcome> }> {
    const capWei = await priceWei(this.#buyer, this.#context);
    let placed = (): void => undefined;
    const funded = new Promise<void>((resolve) => {
      placed = resolve;
    });
    const outcome = this.#buy(lie, capWei, async (jobId) => {
      await this.#buyer.jobs.wait(jobId, ({ state }) => state !== "funding");
      placed();
    });
    await Promise.race([funded, outcome]);
    return { outcome };
  }

  /** Hands the withheld result over once its time is over. */
  async handOverLate(jobId: string): Promise<void> {
    const { clock } = this.#context;
    await this.#withheld(jobId);
    const lateAtMs = (await this.#deliverBySeconds(jobId)) * 1_000 + 1;
    await clock.wait(durationMs(Math.max(0, lateAtMs - clock.now())));
    this.liar.handOver(jobId);
  }

  /** Hands the withheld result over once the lease that it was made under has ended. */
  async handOverStale(jobId: string): Promise<void> {
    await this.#withheld(jobId);
    await this.#buyer.jobs.wait(jobId, (job) => job.provider?.toLowerCase() !== this.liar.address);
    this.liar.handOver(jobId);
  }

  stop(): void {
    this.liar.close();
  }

  async #buy(lie: Lie, capWei: bigint, act: (jobId: string) => Promise<void>): Promise<LieOutcome> {
    const { modelId, digit } = this.#context;
    const { jobs } = this.#buyer;
    const prepared = await jobs.prepare({
      inference: { modelId, input: toHex(digit) },
      verification: "proof",
      priceCapWei: capWei,
    });
    const { jobId } = prepared.job;
    this.liar.lieAbout(jobId, lie);
    await jobs.place(prepared);
    const [job] = await Promise.all([jobs.wait(jobId), act(jobId)]);
    await until(
      async () => this.liar.answers(jobId),
      (answers) => answers.length > 0,
    );
    const [payments, { placements }] = await Promise.all([jobs.payments(jobId), jobs.placement(jobId)]);
    return { job, payments, placements, answers: this.liar.answers(jobId) };
  }

  #withheld(jobId: string): Promise<boolean> {
    return until(
      async () => this.liar.withholds(jobId),
      (withholds) => withholds,
    );
  }

  async #deliverBySeconds(jobId: string): Promise<number> {
    const { contracts } = await this.#buyer.protocol();
    const data = escrowInterface.encodeFunctionData("jobOf", [jobId]);
    const answer = await this.#buyer.rpc.ethCall(contracts["JobEscrow"] as string, data);
    return Number(escrowInterface.decodeFunctionResult("jobOf", answer)[0].deliverBy);
  }
}

/** The whole price of the cheapest way to a proven inference now, fees included. */
async function priceWei(buyer: AiosClient, { modelId, digit }: FlowContext): Promise<bigint> {
  const quotes = await buyer.jobs.quote({ inference: { modelId, input: toHex(digit) } });
  const proof = quotes.find(({ verification }) => verification === "proof");
  if (proof === undefined) throw new TypeError("nobody offers a proven inference");
  return BigInt(proof.priceWei);
}
