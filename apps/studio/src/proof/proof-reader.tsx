import type { ProofReading } from "@aios/sdk/verification/proof-document";
import { type ChangeEvent, type DragEvent, useRef, useState } from "react";
import { CheckList, TrustedList } from "../components/check-list.js";
import { Notice } from "../components/notice.js";

type Phase =
  | { readonly name: "empty" }
  | { readonly name: "reading"; readonly file: string }
  | { readonly name: "read"; readonly file: string; readonly reading: ProofReading }
  | { readonly name: "refused"; readonly file: string; readonly message: string };

/** Takes a file by drag, drop or choice, and says in words what its proof shows. */
export function ProofReader() {
  const [phase, setPhase] = useState<Phase>({ name: "empty" });
  const [over, setOver] = useState(false);
  /** Of the file that was given last: an older one that takes longer is not shown any more. */
  const latest = useRef(0);
  const read = async (file: File): Promise<void> => {
    const turn = ++latest.current;
    setPhase({ name: "reading", file: file.name });
    const next = await readFile(file);
    if (turn === latest.current) setPhase(next);
  };
  const take = (files: FileList | null): void => {
    const file = files?.[0];
    if (file !== undefined) void read(file);
  };
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <section className="card" aria-labelledby="proof-title">
      <h2 id="proof-title">Read a proof</h2>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut; the button inside does the same */}
      <div
        className={`drop ${over ? "over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        <p>Drop a proof file here: proof, key and public values in one.</p>
        <label className="file">
          <span>Choose a file</span>
          <input
            type="file"
            accept=".json,application/json"
            onChange={(event: ChangeEvent<HTMLInputElement>) => {
              take(event.target.files);
              event.target.value = "";
            }}
          />
        </label>
        <p className="muted small">
          <code>aios verify &lt;job id&gt; --out proof.json</code> writes one.
        </p>
      </div>
      <Outcome phase={phase} />
    </section>
  );
}

async function readFile(file: File): Promise<Phase> {
  const named = { file: file.name };
  try {
    // Curves are loaded with the first file, not with the page.
    const { decodeProofDocument, MAX_PROOF_DOCUMENT_BYTES, readProof } = await import(
      "@aios/sdk/verification/proof-document"
    );
    if (file.size > MAX_PROOF_DOCUMENT_BYTES)
      return { name: "refused", ...named, message: "This file is too large to be a proof." };
    return { name: "read", ...named, reading: await readProof(decodeProofDocument(await file.text())) };
  } catch (error) {
    return { name: "refused", ...named, message: error instanceof Error ? error.message : String(error) };
  }
}

function Outcome({ phase }: { readonly phase: Phase }) {
  if (phase.name === "empty") return null;
  if (phase.name === "reading") return <Notice kind="loading">Checking {phase.file}…</Notice>;
  if (phase.name === "refused")
    return (
      <Notice kind="error">
        {phase.file}: {phase.message}
      </Notice>
    );
  const { reading, file } = phase;
  return (
    <div className="reading">
      <p className={`verdict-line ${reading.ok ? "good" : "bad"}`} role="status">
        {reading.ok ? `The proof in ${file} holds.` : `The proof in ${file} does not hold. It says nothing.`}
      </p>
      {reading.says.length === 0 ? null : (
        <div className="says">
          <h3>What it says</h3>
          {reading.says.map((sentence) => (
            <p key={sentence}>{sentence}</p>
          ))}
        </div>
      )}
      <CheckList checks={reading.checks} />
      <TrustedList trusted={reading.trusted} />
    </div>
  );
}
