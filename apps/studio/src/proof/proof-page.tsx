import { PageHeader } from "../components/page-header.js";
import { ProofReader } from "./proof-reader.js";

/** A page that asks nobody: what it says of a proof it has computed itself, from the file alone. */
export function ProofPage() {
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <PageHeader title="AiOS Proofs" tagline="What a proof says, checked here and nowhere else." />
      <main id="main" className="proof">
        <ProofReader />
      </main>
      <footer className="muted small">
        The file stays in this browser: nothing is sent and nothing is asked. On a command line the same is{" "}
        <code>aios verify --proof &lt;file&gt;</code>. <a href="/">Studio</a>
      </footer>
    </>
  );
}
