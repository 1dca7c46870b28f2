import type { JobQuotes, Model } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { useEffect, useState } from "react";

const NONE: JobQuotes = { quotes: [], refusals: [] };

/** What each way to verify an inference of the model costs now; none where the buyer may not order it. */
export function useQuotes(
  client: AiosClient | undefined,
  model: Model | undefined,
  inputBytes: number,
): JobQuotes {
  const [quotes, setQuotes] = useState(NONE);
  const modelId = model?.modelId ?? undefined;
  useEffect(() => {
    setQuotes(NONE);
    if (client === undefined || modelId === undefined) return;
    let isGone = false;
    // The price does not depend on what is asked.
    const inference = { modelId, input: toHex(new Uint8Array(inputBytes)) };
    client.jobs.quotes({ inference }).then(
      (answer) => {
        if (!isGone) setQuotes(answer);
      },
      // Ordering says why it is refused; without prices the page offers a proof.
      () => undefined,
    );
    return () => {
      isGone = true;
    };
  }, [client, modelId, inputBytes]);
  return quotes;
}
