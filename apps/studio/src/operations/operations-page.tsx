import { isCodedError } from "@aios/kernel/coded-error";
import { AiosClient } from "@aios/sdk/client";
import { machineClock } from "@aios/sdk/machine-clock";
import type { Operations } from "@aios/sdk/operations-types";
import { type BrowserWallet, browserWalletSigner } from "@aios/sdk/wallet";
import { useCallback, useState } from "react";
import { Notice } from "../components/notice.js";
import { PageHeader } from "../components/page-header.js";
import { visitor } from "../lib/platform.js";
import { usePolled } from "../lib/use-polled.js";
import { age } from "./figures.js";
import { JobsCard } from "./jobs-card.js";
import { ObjectivesCard } from "./objectives-card.js";
import { QueuesCard } from "./queues-card.js";
import { ServicesCard } from "./services-card.js";
import { SummaryStrip } from "./summary-strip.js";

const READ_EVERY_MS = 2_500;
const readHealth = () => visitor.health();

/** What is wrong with a reading: nobody answers, or this visitor may not look. */
type Reading = Operations | "sign-in" | "not-an-operator";

export function OperationsPage() {
  const health = usePolled(readHealth, 4_000);
  const [client, setClient] = useState<AiosClient>(visitor);
  const read = useCallback(() => readOperations(client), [client]);
  const reading = usePolled<Reading>(read, READ_EVERY_MS);
  const { value } = reading;
  const operations = typeof value === "object" ? value : undefined;
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <PageHeader
        title="AiOS Operations"
        tagline="How the platform is, from what it knows of itself."
        health={health}
      />
      <main id="main" className="operations">
        {reading.error === undefined ? null : (
          <Notice kind="error">
            The gateway does not answer
            {operations === undefined
              ? ""
              : `; this is how it was ${age(machineClock.now() - operations.atMs)} ago`}
            : {reading.error}
          </Notice>
        )}
        {value === undefined && reading.error === undefined ? (
          <Notice kind="loading">Asking every service…</Notice>
        ) : null}
        {value === "sign-in" || value === "not-an-operator" ? (
          <SignIn refused={value === "not-an-operator"} onClient={setClient} />
        ) : null}
        {operations === undefined ? null : (
          <>
            <SummaryStrip operations={operations} />
            <ServicesCard services={operations.services} nowMs={operations.atMs} />
            <div className="two-columns">
              <ObjectivesCard
                objectives={operations.objectives}
                watchedMs={operations.atMs - operations.watchedSinceMs}
              />
              <QueuesCard operations={operations} />
            </div>
            <JobsCard jobs={operations.jobs} client={client} nowMs={operations.atMs} />
          </>
        )}
      </main>
      <footer className="muted small">
        Counted by the gateway since it started, from what each service remembers. For history: Prometheus and
        Grafana, for which rules and dashboards are in the chart. <a href="/">Studio</a> ·{" "}
        <a href="/chain">Chain</a> · <a href="/docs">API</a>
      </footer>
    </>
  );
}

async function readOperations(client: AiosClient): Promise<Reading> {
  try {
    return await client.operations();
  } catch (error) {
    if (!isCodedError(error)) throw error;
    if (error.code === "sign-in-required") return "sign-in";
    if (error.code === "operators-only") return "not-an-operator";
    throw error;
  }
}

function SignIn({
  refused,
  onClient,
}: {
  readonly refused: boolean;
  readonly onClient: (client: AiosClient) => void;
}) {
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const { ethereum } = window as { readonly ethereum?: BrowserWallet };
  const signIn = async (wallet: BrowserWallet): Promise<void> => {
    try {
      const accounts = (await wallet.request({ method: "eth_requestAccounts" })) as readonly string[];
      const [account] = accounts;
      if (account === undefined) return setProblem("The wallet gave no account.");
      const signer = browserWalletSigner(wallet, account);
      const client = new AiosClient({ baseUrl: window.location.origin, signer, retries: 1 });
      await client.signIn();
      onClient(client);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section className="card sign-in" aria-labelledby="sign-in-title">
      <h2 id="sign-in-title">For operators</h2>
      <p>
        {refused
          ? "This account is no operator's. The gateway's setting GATEWAY_OPERATORS names those who may look."
          : "The inside of a platform is shown to its operators: sign in with an account that the gateway's setting GATEWAY_OPERATORS names."}
      </p>
      {ethereum === undefined ? (
        <Notice kind="empty">
          This browser has no wallet. From a terminal: aios doctor --url {window.location.origin} --key-file …
        </Notice>
      ) : (
        <button type="button" className="primary" onClick={() => void signIn(ethereum)}>
          Sign in with your wallet
        </button>
      )}
      {problem === undefined ? null : <Notice kind="error">{problem}</Notice>}
    </section>
  );
}
