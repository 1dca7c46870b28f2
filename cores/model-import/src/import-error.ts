import { CodedError } from "@aios/kernel/coded-error";

/** Bytes that are no model of the format at all, or larger than what is read. Code `malformed-model`. */
export function malformedModel(problem: string): CodedError {
  return new CodedError({
    code: "malformed-model",
    kind: "invalid",
    message: `This file cannot be read as a model: ${problem}.`,
    details: { problem },
  });
}

/** A well-formed model that cannot be proven; names the node. Code `unsupported-model`. */
export function unsupportedNode(node: string, operator: string, problem: string): CodedError {
  return new CodedError({
    code: "unsupported-model",
    kind: "unprocessable",
    message: `Node "${printable(node)}" (${printable(operator)}) cannot be imported: ${problem}.`,
    details: { node: printable(node), operator: printable(operator), problem },
  });
}

/** A well-formed model that is too large or too small as a whole. Code `unsupported-model`. */
export function unsupportedModel(problem: string): CodedError {
  return new CodedError({
    code: "unsupported-model",
    kind: "unprocessable",
    message: `This model cannot be imported: it ${problem}.`,
    details: { problem },
  });
}

/** A tensor or input whose shape is only known at run time. Code `dynamic-shape`. */
export function dynamicShape(name: string): CodedError {
  return new CodedError({
    code: "dynamic-shape",
    kind: "unprocessable",
    message: `"${printable(name)}" has a shape that is not fixed; only the number of inputs in a batch may be open.`,
    details: { name: printable(name) },
  });
}

/** A weight that is NaN or infinite. Code `weight-not-finite`. */
export function weightNotFinite(name: string, index: number): CodedError {
  return new CodedError({
    code: "weight-not-finite",
    kind: "unprocessable",
    message: `Weight ${index} of "${printable(name)}" is not a finite number.`,
    details: { name: printable(name), index },
  });
}

/** Names come from strangers: short, one line. */
function printable(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 80);
}
