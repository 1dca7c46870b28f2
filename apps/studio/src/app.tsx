import { isCodedError } from "@aios/kernel/coded-error";
import type { PlatformHealth } from "@aios/sdk/api-types";
import { useCallback, useState } from "react";
import { CapabilitiesCard } from "./components/capabilities-card.js";
import { ExplorerCard } from "./components/explorer-card.js";
import { InferenceCard } from "./components/inference-card.js";
import { Notice } from "./components/notice.js";
import { PageHeader } from "./components/page-header.js";
import { ProvidersCard } from "./components/providers-card.js";
import { type DemoBuyer, demoBuyer, publishedModels, visitor } from "./lib/platform.js";
import { useInference } from "./lib/use-inference.js";
import { usePolled } from "./lib/use-polled.js";

const readHealth = (): Promise<PlatformHealth> => visitor.health();

let found: DemoBuyer | undefined;
async function readBuyer(): Promise<DemoBuyer | "none"> {
  if (found !== undefined) return found;
  try {
    found = await demoBuyer();
    return found;
  } catch (error) {
    if (isCodedError(error) && error.kind === "not-found") return "none";
    throw error;
  }
}

export function App() {
  const health = usePolled(readHealth, 4_000);
  const buyer = usePolled(readBuyer, 10_000);
  const models = usePolled(publishedModels, 4_000);
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const model = models.value?.find((each) => each.modelId === chosen) ?? models.value?.[0];
  const account = buyer.value === "none" ? undefined : buyer.value;
  const { run, start, accept } = useInference(account?.client);
  const [opened, setOpened] = useState<string | undefined>(undefined);
  const openTransaction = useCallback((hash: string | undefined): void => {
    setOpened(hash);
    if (hash !== undefined) document.getElementById("explorer")?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <PageHeader title="AiOS Studio" tagline="AI work whose result you can check." health={health} />
      <main id="main">
        {health.error === undefined ? null : (
          <Notice kind="error">
            The platform does not answer. This page keeps trying. On the machine that runs it, “aios doctor”
            says what is wrong.
          </Notice>
        )}
        <InferenceCard
          models={models}
          model={model}
          onChoose={setChosen}
          buyer={account}
          buyerProblem={
            buyer.value === "none"
              ? "This network offers no demo key, so nothing can be bought from this page. Everything can still be looked at."
              : undefined
          }
          run={run}
          onStart={start}
          onAccept={accept}
          onOpenTransaction={openTransaction}
        />
        {model?.modelId == null ? null : <CapabilitiesCard key={model.modelId} modelId={model.modelId} />}
        <div className="two-columns">
          <ProvidersCard placement={run.placement} />
          <ExplorerCard opened={opened} onOpen={openTransaction} />
        </div>
      </main>
      <footer className="muted small">
        A proof shows that the committed model gave this output for the committed input, and nothing more.{" "}
        <a href="/docs">API</a> · <a href="/chain">Chain</a> · <a href="/operations">Operations</a> ·{" "}
        <a href="/proof">Read a proof</a>
      </footer>
    </>
  );
}
