import { dirname, join } from "node:path";
import { CodedError } from "@aios/kernel/coded-error";
import {
  type ImportedProvableModel,
  importModel,
  inputsFrom,
  type ModelImportOptions,
  type ModelSource,
  readModel,
  reportJson,
} from "@aios/sdk/model-import";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { hexText, readBytes, writeNew } from "../files.js";
import { labelsIn } from "../labels-file.js";
import { required } from "../option-value.js";
import { INTERRUPTED, PUBLISH_OPTIONS, publishModel } from "./model-publication.js";

const MAX_BYTES = 256 * 1024 * 1024;

export const modelCommand: Command = {
  name: "model",
  summary: "make a trained model provable, and publish it for licences",
  description: `import: reads an ONNX file, or the model.json of a TensorFlow.js layers model (its weight files beside it), turns it into integers,
proves that no input can overflow them, and writes the model that providers run and provers commit to. Reports accuracy
as floats and as integers, where it was lost, the proven ranges, and which proof system takes the model at what size.
The file holds the commitment's salt: keep it like the model.

publish: stores such a file encrypted, has the model's keys made and publishes it for licences, as the account of --key-file.
${INTERRUPTED}`,
  actions: [
    {
      name: "import",
      positionals: ["<file>"],
      options: {
        calibration: {
          value: "<file>",
          summary:
            "inputs as the model will see them, one byte a value, one after another; a hundred are plenty",
          required: true,
        },
        out: {
          value: "<file>",
          summary: "where the model is written; an existing file is kept",
          required: true,
        },
        samples: {
          value: "<file>",
          summary: "labelled inputs in the same form, which neither training nor calibration has seen",
        },
        labels: { value: "<file>", summary: "the right output of each sample: numbers between white space" },
      },
      summary: "a trained model as integers that can be proven",
      example: "model import digits.onnx --calibration inputs.bin --out digits.model",
      run: importFile,
    },
    {
      name: "publish",
      positionals: ["<model file>"],
      options: PUBLISH_OPTIONS,
      summary: "an imported model for licences",
      example: "model publish digits.model --name Digits --price 25 --key-file developer.key",
      run: publishModel,
    },
  ],
};

async function importFile(input: CommandInput): Promise<number> {
  const [path = ""] = input.positionals;
  const out = required(input, "out");
  const source = await modelSource(path);
  const imported = importModel(source, await importOptions(input, source));
  await writeNew(out, imported.encoded);
  const commitment = `0x${hexText(imported.commitment)}`;
  if (input.json) {
    const report = reportJson(imported.report);
    input.output.write(
      `${JSON.stringify({ file: out, bytes: imported.encoded.length, commitment, report })}\n`,
    );
  } else input.output.write(describe(out, commitment, imported));
  return 0;
}

async function modelSource(path: string): Promise<ModelSource> {
  if (!path.endsWith(".json")) return { format: "onnx", bytes: await readBytes(path, MAX_BYTES) };
  const topology = new TextDecoder().decode(await readBytes(path, MAX_BYTES));
  const parts: Uint8Array[] = [];
  for (const name of weightFiles(topology)) parts.push(await readBytes(join(dirname(path), name), MAX_BYTES));
  return { format: "tfjs-layers", topology, weights: new Uint8Array(Buffer.concat(parts)) };
}

/** The manifest's files, which lie beside model.json and nowhere else. */
function weightFiles(topology: string): string[] {
  let value: { weightsManifest?: readonly { paths?: readonly unknown[] }[] };
  try {
    value = JSON.parse(topology) as typeof value;
  } catch {
    value = {};
  }
  const paths = Array.isArray(value.weightsManifest)
    ? value.weightsManifest.flatMap((group) => (Array.isArray(group?.paths) ? [...group.paths] : []))
    : [];
  for (const path of paths)
    if (typeof path !== "string" || path === "" || /[\\/]/.test(path) || path.startsWith("."))
      throw new CodedError({
        code: "malformed-model",
        kind: "invalid",
        message: "The manifest names a weight file that does not lie beside model.json.",
      });
  return paths as string[];
}

async function importOptions(input: CommandInput, source: ModelSource): Promise<ModelImportOptions> {
  const { inputShape } = readModel(source).graph;
  const inputs = async (path: string): Promise<Uint8Array[]> =>
    inputsFrom(await readBytes(path, MAX_BYTES), inputShape);
  const calibration = await inputs(required(input, "calibration"));
  const { samples, labels } = input.options;
  if ((samples === undefined) !== (labels === undefined))
    throw new UsageError("Give --samples and --labels together.");
  if (samples === undefined || labels === undefined) return { calibration };
  return { calibration, samples: { inputs: await inputs(samples), labels: await labelsIn(labels) } };
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)}%`;

function describe(out: string, commitment: string, { encoded, report }: ImportedProvableModel): string {
  const { accuracy, tensors, calibrationSamples } = report.quantisation;
  const decibels = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : "exact");
  const rows = tensors.map(
    (tensor) =>
      `  ${tensor.name.slice(0, 28).padEnd(30)}${tensor.kind.padEnd(14)}${tensor.provenBound.toExponential(2).padStart(11)}${decibels(tensor.signalToNoiseDb).padStart(10)}`,
  );
  const lines = [
    `${out}: ${encoded.length} bytes, commitment ${commitment}`,
    ...report.notes.map((note) => `note: ${note}`),
    accuracy === undefined
      ? `accuracy: not measured (${calibrationSamples} calibration inputs; give --samples and --labels)`
      : `accuracy on ${accuracy.samples} samples: ${percent(accuracy.floatAccuracy)} as floats, ${percent(accuracy.integerAccuracy)} as integers; both name the same output on ${percent(accuracy.agreement)}`,
    `  ${"node".padEnd(30)}${"kind".padEnd(14)}${"bound".padStart(11)}${"dB".padStart(10)}`,
    ...rows,
    ...report.backEnds.map(
      ({ system, fits, reason }) => `${system}: ${fits ? "fits" : "does not fit"}. ${reason}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}
