import type { Clock } from "@aios/kernel/clock";
import type { Address, Bytes32, TenantId } from "@aios/kernel/identifiers";
import { crashPoint } from "@aios/service-kit/crash-point";
import { foreignContent } from "../domain/errors.js";
import type { KeyCeremony, Model, ProofSystem } from "../domain/model.js";
import { keyCeremony, modelTerms, proofSystems, type RequestedTerms } from "../domain/model-terms.js";
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
    keys: { readonly ceremony?: KeyCeremony | undefined; readonly proofSystems?: readonly string[] } = {},
  ): Promise<Model> {
    const terms = modelTerms(requested);
    const wanted = {
      ceremony: keyCeremony(keys.ceremony),
      honk: proofSystems(keys.proofSystems ?? []).has("honk"),
    };
    if ((await this.contents.ownerOf(terms.contentCid)) !== tenant) throw foreignContent(terms.contentCid);
    const model = await this.models.create(tenant, owner, terms, wanted, this.clock.now());
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
    const { contentCid, modelCommitment, ceremony } = model;
    const groth16 = await this.keys.setUp(contentCid, modelCommitment, "groth16", ceremony);
    const honk = model.wantsHonkKey ? await this.keys.setUp(contentCid, modelCommitment, "honk") : undefined;
    crashPoint("marketplace.create.after-set-up");
    await this.models.keysBegun(model.draftId, this.clock.now());
    await this.keyMoved(modelCommitment, "groth16", groth16);
    if (honk !== undefined) await this.keyMoved(modelCommitment, "honk", honk);
  }

  /** Asks how far the keys are; ends the set-up when they are made or cannot be. Answers what is still being made. */
  async checkKeys({ modelCommitment, wantsHonkKey, honkKey, honkRefusal }: Model): Promise<KeyProgress> {
    const groth16 = await this.keys.progress(modelCommitment, "groth16");
    await this.keyMoved(modelCommitment, "groth16", groth16);
    // A prover that does not make such keys knows none of this model.
    if (!wantsHonkKey || honkKey !== undefined || honkRefusal !== undefined) return groth16;
    const honk = await this.keys.progress(modelCommitment, "honk");
    await this.keyMoved(modelCommitment, "honk", honk);
    return groth16.kind === "ready" ? honk : groth16;
  }

  async keyMoved(modelCommitment: Bytes32, proofSystem: ProofSystem, progress: KeyProgress): Promise<void> {
    if (progress.kind === "setting-up") return;
    const result = progress.kind === "ready" ? progress.key : progress.failure;
    await this.models.keyEnded(modelCommitment, { proofSystem, result }, this.clock.now());
  }
}
