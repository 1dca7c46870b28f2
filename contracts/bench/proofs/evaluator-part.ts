import { evaluateFloatGraph } from "@aios/core-zkml/float-evaluator";
import { evaluateGraph } from "@aios/core-zkml/graph-evaluator";
import { provableGraph } from "@aios/core-zkml/integer-graph";
import { elementCount } from "@aios/core-zkml/integer-node";
import { SeededRng } from "@aios/kernel/random";
import { throughput } from "./measure.js";
import type { PartContext } from "./part.js";
import { TensorflowPeer } from "./tensorflow-peer.js";

/** Relative to the largest logit; the peer computes in 32-bit floats. */
const TOLERANCE = 1e-3;

/** Inferences a second of the reference evaluator, and of TensorFlow.js with the float model that it came from. */
export async function evaluatorPart({ figure, made, withPeer }: PartContext): Promise<void> {
  const graph = provableGraph(made.model);
  const input = new SeededRng(3).bytes(elementCount(graph.inputShape));
  figure("e.own", await throughput(() => evaluateGraph(graph, input)));
  if (!withPeer) return;
  const peer = await TensorflowPeer.start(made.float);
  const [theirs, ours] = [await peer.evaluate(input), evaluateFloatGraph(made.float, input)];
  const largest = Math.max(...ours.map(Math.abs));
  if (ours.some((logit, at) => Math.abs(logit - (theirs[at] as number)) > TOLERANCE * largest))
    throw new Error("TensorFlow.js computes something else");
  figure("e.peer", await throughput(() => peer.evaluate(input)));
}
