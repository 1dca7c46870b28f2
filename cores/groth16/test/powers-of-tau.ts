import * as snarkjs from "snarkjs";

interface MemoryFile {
  readonly type: "mem";
  data?: Uint8Array;
}

const memory = (): MemoryFile => ({ type: "mem" });
const bytesOf = ({ data }: MemoryFile): Uint8Array => (data as Uint8Array).slice();

/** Powers of tau as snarkjs makes them, one file that nobody contributed to, one of two parties and prepared for phase 2. */
export async function peerPowers(power: number): Promise<{ untouched: Uint8Array; contributed: Uint8Array }> {
  const curve = await snarkjs.curves.getCurveFromName("bn128");
  try {
    const [start, first, second, contributed] = [memory(), memory(), memory(), memory()];
    await snarkjs.powersOfTau.newAccumulator(curve, power, start);
    await snarkjs.powersOfTau.contribute(start, first, "Ada", "entropy of Ada");
    await snarkjs.powersOfTau.contribute(first, second, "Grace", "entropy of Grace");
    await snarkjs.powersOfTau.preparePhase2(second, contributed);
    return { untouched: bytesOf(start), contributed: bytesOf(contributed) };
  } finally {
    await curve.terminate();
  }
}
