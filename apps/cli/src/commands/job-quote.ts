import { formatAios } from "@aios/kernel/units";
import type { JobQuotes } from "@aios/sdk/api-types";
import { toHex } from "@aios/sdk/hex";
import { type CommandInput, UsageError } from "../command.js";
import { accountClient } from "../platform.js";

/** Input of models from before their shape was kept: 28 × 28. */
const IMAGE_BYTES = 784;

/** What each way to verify an inference of a model costs now; buys nothing. */
export async function quoteModel(input: CommandInput): Promise<number> {
  const modelId = modelIdArgument(input.positionals[0]);
  const client = await accountClient(input);
  const { inputShape } = await client.models.get(modelId);
  // The price does not depend on what is asked.
  const bytes = inputShape?.reduce((product, side) => product * side, 1) ?? IMAGE_BYTES;
  const quotes = await client.jobs.quotes({ inference: { modelId, input: toHex(new Uint8Array(bytes)) } });
  input.output.write(input.json ? `${JSON.stringify(quotes)}\n` : `${quoteLines(quotes).join("\n")}\n`);
  return 0;
}

export function quoteLines({ quotes, refusals }: JobQuotes): string[] {
  return [
    ...quotes.flatMap(({ verification, priceWei, expectedMs, verificationGas, trust, absent }) => [
      `${verification.padEnd(10)}${formatAios(BigInt(priceWei))} AIOS, about ${(expectedMs / 1_000).toFixed(1)} s${verificationGas === null ? "" : `, ${verificationGas} gas to verify`}`,
      `  to trust: ${trust}`,
      ...absent.map(({ name, reason }) => `  absent:   ${name}: ${reason}`),
    ]),
    ...refusals.map(
      ({ verification, code, message, fits }) =>
        `${verification.padEnd(10)}not offered (${code}): ${message}${fits === null ? "" : ` It fits: ${fits}.`}`,
    ),
  ];
}

function modelIdArgument(text: string | undefined): number {
  const id = Number(text);
  if (!/^[1-9][0-9]*$/.test(text ?? "") || !Number.isSafeInteger(id))
    throw new UsageError(`'${text ?? ""}' is not a model id: a whole number from 1 on.`);
  return id;
}
