import { decodeProvableModel, provableModelCommitment } from "@aios/core-zkml/provable-model";
import type { Json } from "@aios/kernel/canonical-json";
import { CodedError } from "@aios/kernel/coded-error";
import { aios } from "@aios/kernel/units";
import { type ModelOffer, publishOffer } from "@aios/main-job/model-publication";
import type { Model, ProofSystem } from "@aios/sdk/api-types";
import { type CommandInput, type OptionDeclarations, UsageError } from "../command.js";
import { readBytes } from "../files.js";
import { required } from "../option-value.js";
import { accountClient } from "../platform.js";

const MAX_BYTES = 256 * 1024 * 1024;
const MAX_REPORT_BYTES = 1024 * 1024;
const SYSTEMS: readonly ProofSystem[] = ["groth16", "honk"];

export const PUBLISH_OPTIONS = {
  name: { value: "<text>", summary: "what buyers read", required: true },
  description: { value: "<text>", summary: "likewise" },
  price: { value: "<AIOS>", summary: "of a licence, a whole number (25)" },
  report: { value: "<file>", summary: "what 'import --json' printed, for buyers" },
  "proof-systems": {
    value: "<names>",
    summary:
      "keys to make, separated by commas: groth16, which every model has, and honk for proofs under the network's reference string; where the model does not fit, it is not published and the answer says why",
  },
} as const satisfies OptionDeclarations;

export const INTERRUPTED =
  "Interrupted anywhere, the same command line goes on where it was: the key of the stored content follows from file and account.";

/** Stores a model that `aios model import` wrote, waits for its keys and publishes it for licences. */
export async function publishModel(input: CommandInput): Promise<number> {
  const offer = await offerFrom(input, input.positionals[0] ?? "");
  const client = await accountClient(input);
  const said = new Set<string>();
  const { model } = await publishOffer(client, offer, {
    onChange({ progress, state }) {
      const step = progress?.message ?? state;
      if (input.json || said.has(step)) return;
      said.add(step);
      input.output.write(`${step}\n`);
    },
  });
  input.output.write(input.json ? `${JSON.stringify(model)}\n` : describe(model));
  return 0;
}

/** What is offered, from the command line and its files alone. Throws `malformed-model`, `malformed-report`. */
export async function offerFrom(input: CommandInput, path: string): Promise<ModelOffer> {
  const name = required(input, "name");
  const proofSystems = systemsIn(input.options["proof-systems"]);
  const { price, report } = input.options;
  if (price !== undefined && !/^(0|[1-9]\d{0,8})$/.test(price))
    throw new UsageError(`--price is a whole number of AIOS, not '${price}'.`);
  const encoded = await readBytes(path, MAX_BYTES);
  return {
    name,
    description: input.options.description ?? "",
    encoded,
    commitment: provableModelCommitment(decodeProvableModel(encoded)),
    report: report === undefined ? {} : reportIn(await readBytes(report, MAX_REPORT_BYTES)),
    proofSystems,
    ...(price === undefined ? {} : { licencePriceWei: aios(Number(price)) }),
  };
}

/** Groth16 is made for every model; named or not, it is among them. */
function systemsIn(text = "groth16"): readonly ProofSystem[] {
  const named = text.split(",");
  const unknown = named.find((system) => !SYSTEMS.some((known) => known === system));
  if (unknown !== undefined)
    throw new UsageError(`--proof-systems takes ${SYSTEMS.join(" and ")}, not '${unknown}'.`);
  return SYSTEMS.filter((system) => system === "groth16" || named.includes(system));
}

/** What `aios model import --json` printed, or its report alone. */
function reportIn(bytes: Uint8Array): Json {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as Json;
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return (value as { readonly report?: Json }).report ?? value;
  } catch {
    // Falls through to the error that says what is wanted.
  }
  throw new CodedError({
    code: "malformed-report",
    kind: "invalid",
    message: "--report is not what 'aios model import --json' prints.",
    field: "report",
  });
}

function describe(model: Model): string {
  const honk =
    model.honkKeyHash !== null
      ? `${model.honkKeyHash} (${model.honkKeyTrust ?? ""})`
      : (model.honkRefusal?.message ?? "not asked for; name it with --proof-systems groth16,honk");
  return [
    `model ${model.modelId} is published`,
    `  commitment     ${model.modelCommitment}`,
    `  Groth16 key    ${model.verifyingKeyHash} (${model.keyTrust ?? ""})`,
    `  UltraHonk key  ${honk}`,
    "",
  ].join("\n");
}
