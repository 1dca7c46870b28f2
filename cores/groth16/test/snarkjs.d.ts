declare module "snarkjs" {
  interface MemoryFile {
    type: "mem";
    data?: Uint8Array;
  }
  type File = MemoryFile | Uint8Array;
  interface Curve {
    terminate(): Promise<void>;
  }
  export const curves: { getCurveFromName(name: string): Promise<Curve> };
  export const powersOfTau: {
    newAccumulator(curve: Curve, power: number, file: File): Promise<unknown>;
    contribute(from: File, to: File, name: string, entropy: string): Promise<unknown>;
    preparePhase2(from: File, to: File): Promise<unknown>;
  };
  export const zKey: {
    newZKey(r1cs: File, powers: File, to: File): Promise<unknown>;
    contribute(from: File, to: File, name: string, entropy: string): Promise<unknown>;
    exportVerificationKey(key: File): Promise<Record<string, unknown>>;
  };
  export const wtns: {
    check(r1cs: File, witness: File, logger: Pick<Console, "info" | "warn">): Promise<boolean>;
  };
  export const groth16: {
    prove(
      key: File,
      witness: File,
      logger?: undefined,
      options?: { singleThread: boolean },
    ): Promise<{ proof: Record<string, unknown>; publicSignals: string[] }>;
    verify(
      key: Record<string, unknown>,
      publicSignals: string[],
      proof: Record<string, unknown>,
    ): Promise<boolean>;
  };
}
