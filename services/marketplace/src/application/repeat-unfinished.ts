import type { Clock } from "@aios/kernel/clock";
import type { Address, TenantId } from "@aios/kernel/identifiers";
import { type DurationMs, durationMs } from "@aios/kernel/units";
import { actingFor } from "@aios/service-kit/caller-context";
import type { ModelStore, PurchaseStore } from "../domain/ports.js";
import type { CreateModelUseCase } from "./create-model.use-case.js";
import type { PublishModelUseCase } from "./publish-model.use-case.js";
import type { PurchaseLicenceUseCase } from "./purchase-licence.use-case.js";

const BATCH = 50;

/**
 * Takes up what a crash or an absent peer left between two steps: keys not asked for, signed publications and
 * purchases not handed on. Every step it repeats is idempotent, and made for whom it was made first: peers keep who
 * asked with what was asked, so that the same key for somebody else is another request to them.
 */
export class UnfinishedRepeater {
  readonly #abort = new AbortController();
  readonly #everyMs: DurationMs;
  #loop: Promise<void> | undefined;

  constructor(
    private readonly models: Pick<ModelStore, "inState">,
    private readonly purchases: Pick<PurchaseStore, "submitted">,
    private readonly createModel: Pick<CreateModelUseCase, "setUpKeys" | "checkKeys">,
    private readonly publishModel: Pick<PublishModelUseCase, "relay">,
    private readonly purchaseLicence: Pick<PurchaseLicenceUseCase, "relay">,
    private readonly clock: Clock,
    everyMs: number,
    private readonly onProblem: (message: string, error: unknown) => void,
  ) {
    this.#everyMs = durationMs(everyMs);
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      await this.runOnce();
      await this.clock.wait(this.#everyMs, this.#abort.signal).catch(() => undefined);
    }
  }

  async runOnce(): Promise<void> {
    await this.#each(
      "drafts",
      () => this.models.inState("draft", BATCH),
      (model) => forOwner(model, () => this.createModel.setUpKeys(model)),
    );
    await this.#each(
      "keys",
      () => this.models.inState("setting-up-keys", BATCH),
      (model) => forOwner(model, async () => void (await this.createModel.checkKeys(model))),
    );
    await this.#each(
      "publications",
      () => this.models.inState("publishing", BATCH),
      (model) => forOwner(model, () => this.publishModel.relay(model)),
    );
    await this.#each(
      "purchases",
      () => this.purchases.submitted(BATCH),
      (purchase) =>
        actingFor({ account: purchase.buyer, tenant: purchase.tenant }, () =>
          this.purchaseLicence.relay(purchase),
        ),
    );
  }

  async #each<T>(
    what: string,
    list: () => Promise<readonly T[]>,
    work: (item: T) => Promise<void>,
  ): Promise<void> {
    const items = await this.#attempt(what, list);
    for (const item of items ?? []) {
      if (this.#abort.signal.aborted) return;
      await this.#attempt(what, () => work(item));
    }
  }

  /** One that fails keeps none of the others waiting. */
  async #attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!this.#abort.signal.aborted) this.onProblem(`unfinished ${what} were not taken up`, error);
      return undefined;
    }
  }
}

function forOwner<T>(
  { owner, tenant }: { readonly owner: Address; readonly tenant: TenantId },
  work: () => T,
): T {
  return actingFor({ account: owner, tenant }, work);
}
