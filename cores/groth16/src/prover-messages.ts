import type { ErrorKind } from "@aios/kernel/coded-error";

/** What the host sends to the prover's thread. Byte arrays are moved, not copied, unless they are used again. */
export type ProverRequest =
  | {
      readonly kind: "development-setup";
      readonly circuit: Uint8Array<ArrayBuffer>;
      readonly trapdoor: Uint8Array<ArrayBuffer>;
    }
  | {
      readonly kind: "load";
      readonly circuit: Uint8Array<ArrayBuffer>;
      readonly points: Uint8Array<ArrayBuffer>;
      readonly constraints: number;
    }
  | {
      readonly kind: "prove";
      readonly key: string;
      readonly witness: Uint8Array<ArrayBuffer>;
      readonly blinding: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: "unload"; readonly key: string };

export type ProverResult =
  | {
      readonly kind: "set-up";
      readonly verifyingKey: Uint8Array<ArrayBuffer>;
      readonly points: Uint8Array<ArrayBuffer>;
    }
  | { readonly kind: "loaded"; readonly key: string }
  | { readonly kind: "proven"; readonly proof: Uint8Array<ArrayBuffer> }
  | { readonly kind: "unsatisfied"; readonly row: number }
  | { readonly kind: "unloaded" };

export interface ProverCall {
  readonly id: number;
  readonly request: ProverRequest;
}

export type ProverReply =
  | { readonly id: number; readonly type: "result"; readonly result: ProverResult }
  | { readonly id: number; readonly type: "progress"; readonly fraction: number }
  | {
      readonly id: number;
      readonly type: "refused";
      readonly code: string;
      readonly kind: ErrorKind;
      readonly message: string;
    };
