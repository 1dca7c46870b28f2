import type { TrainedModel, TrainingPlan, TrainingProgress } from "../../domain/ports.js";
import type { TensorflowDevice } from "./tensorflow-runtime.js";

/** Parent → training process: one request a process. */
export type TrainingRequest = { readonly device: TensorflowDevice } & (
  | { readonly kind: "train"; readonly plan: TrainingPlan }
  | { readonly kind: "measure" }
);

/** Training process → parent. */
export type TrainingReply =
  | { readonly kind: "progress"; readonly progress: TrainingProgress }
  | { readonly kind: "trained"; readonly model: TrainedModel }
  | { readonly kind: "measured"; readonly samplesPerSecond: number }
  | { readonly kind: "failed"; readonly code: string | undefined; readonly message: string };
