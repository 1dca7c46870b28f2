import type { Clock } from "@aios/kernel/clock";
import type { Address, Bytes32, TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { foreignContent } from "../domain/errors.js";
import type { KeyCeremony, Model } from "../domain/model.js";
import { keyCeremony, modelTerms, type RequestedTerms } from "../domain/model-terms.js";
import type { ContentOwners, KeyMaker, KeyProgress, ModelStore } from "../domain/ports.js";

/** Keeps a draft of the owner's own content, then has its keys made. Again with the same terms: the same draft. */
export class CreateModelUseCase {
  constructor(
    private readonly models: ModelStore,
    private readonly contents: ContentOwners,
    private readonly keys: KeyMaker,
    private readonly clock: Clock,
    private readonly onProblem: (message: string, error: unknown) => void,
  ) {}

  async execute(
    tenant: TenantId,
    owner: Address,
    requested: RequestedTerms,
    requestedCeremony?: KeyCeremony,
  ): Promise<Model> {
    const terms = modelTerms(requested);
    const ceremony = keyCeremony(requestedCeremony);
    if ((await this.contents.ownerOf(terms.contentCid)) !== tenant) throw foreignContent(terms.contentCid);
    const model = await this.models.create(tenant, owner, terms, ceremony, this.clock.now());
    crashPoint("marketplace.create.after-store");
    // The draft is kept: when the prover is away, the repeater asks it again.
    await this.setUpKeys(model).catch((error: unknown) =>
      this.onProblem("the keys of a model wait for the prover", error),
    );
    return this.models.byDraft(model.draftId);
  }

  /** Asks the prover for the keys of a draft; it may know them already. */
  async setUpKeys(model: Model): Promise<void> {
    if (model.state !== "draft") return;
    const progress = await this.keys.setUp(model.contentCid, model.modelCommitment, model.ceremony);
    crashPoint("marketplace.create.after-set-up");
    await this.models.keysBegun(model.draftId, this.clock.now());
    await this.keysMoved(model.modelCommitment, progress);
  }

  /** Asks how far the keys are; ends the set-up when they are made or cannot be. */
  async checkKeys(model: Model): Promise<KeyProgress> {
    const progress = await this.keys.progress(model.modelCommitment);
    await this.keysMoved(model.modelCommitment, progress);
    return progress;
  }

  async keysMoved(modelCommitment: Bytes32, progress: KeyProgress): Promise<void> {
    if (progress.kind === "setting-up") return;
    const result = progress.kind === "ready" ? progress.key : progress.failure;
    await this.models.keysEnded(modelCommitment, result, this.clock.now());
  }
}
