import type { LabelledDigits } from "@aios/datasets/labelled-digits";
import type { MainJobResult } from "@aios/main-job/main-job";
import type { AiosClient } from "@aios/sdk/client";
import type { LocalPlatform } from "./local-platform.js";

/** A platform on which a main job went through, and who took part in it. */
export interface SoldInference {
  readonly local: LocalPlatform;
  readonly developer: AiosClient;
  readonly business: AiosClient;
  readonly result: MainJobResult;
  /** Digits that the model was not trained on. */
  readonly unseen: LabelledDigits;
}
