import { useState } from "react";
import { Notice } from "../components/notice.js";
import { PageHeader } from "../components/page-header.js";
import { visitor } from "../lib/platform.js";
import { usePolled } from "../lib/use-polled.js";
import { ChainReader, type ChainReading } from "./chain-reading.js";
import { ChainStrip } from "./chain-strip.js";
import { CheckpointsCard } from "./checkpoints-card.js";
import { DagCard } from "./dag-card.js";
import { HonorSetCard } from "./honor-set-card.js";

const READ_EVERY_MS = 1_000;
const reader = new ChainReader(visitor.rpc);
const readHealth = () => visitor.health();
const readChain = () => reader.read();

export function ChainPage() {
  const health = usePolled(readHealth, 4_000);
  const { value, error } = usePolled(readChain, READ_EVERY_MS);
  const [kept, setKept] = useState<ChainReading | undefined>(undefined);
  const live = typeof value === "object" ? value : undefined;
  const shown = kept ?? live;
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <PageHeader
        title="AiOS Chain"
        tagline="How the honor nodes order it, and when it is final."
        health={health}
      />
      <main id="main" className="operations chain">
        {error === undefined ? null : (
          <Notice kind="error">
            The chain does not answer{live === undefined ? "" : "; this is how it was last"}: {error}
          </Notice>
        )}
        {value === undefined && error === undefined ? (
          <Notice kind="loading">Asking the chain…</Notice>
        ) : null}
        {value === "one-producer" ? <OneProducer /> : null}
        {live === undefined || shown === undefined ? null : (
          <>
            <ChainStrip reading={live} />
            <DagCard
              reading={shown}
              isPaused={kept !== undefined}
              onPause={(isPaused) => setKept(isPaused ? live : undefined)}
            />
            <div className="two-columns">
              <CheckpointsCard reading={live} />
              <HonorSetCard reading={live} />
            </div>
          </>
        )}
      </main>
      <footer className="muted small">
        As the gateway's node sees it. Anyone can verify a certificate: “aios verify” does for a settled job.{" "}
        <a href="/">Studio</a> · <a href="/operations">Operations</a> · <a href="/docs">API</a>
      </footer>
    </>
  );
}

function OneProducer() {
  return (
    <section className="card" aria-labelledby="one-producer-title">
      <h2 id="one-producer-title">One node makes this chain</h2>
      <p>
        It makes every block and alone decides what is final. There are no other honor nodes, no block DAG to
        draw, and no certificates.
      </p>
      <p className="muted">
        A new local network has four honor nodes unless it is asked for one: <code>npm start -- --fresh</code>{" "}
        begins such a chain, after wiping the old one. Blocks and transactions are in the{" "}
        <a href="/#explorer">studio</a>.
      </p>
    </section>
  );
}
