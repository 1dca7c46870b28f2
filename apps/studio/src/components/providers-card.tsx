import type { PlacementExplanation, Provider } from "@aios/sdk/api-types";
import { aios, shortenHexIn } from "../lib/format.js";
import { visitor } from "../lib/platform.js";
import { usePolled } from "../lib/use-polled.js";
import { Hash } from "./hash.js";
import { Notice } from "./notice.js";

const readProviders = (): Promise<readonly Provider[]> => visitor.providers();

/** Who offers work, and why the last job went to one of them. */
export function ProvidersCard({ placement }: { readonly placement: PlacementExplanation | undefined }) {
  const providers = usePolled(readProviders, 5_000);
  const candidates = placement?.placements.at(-1)?.candidates ?? [];
  const reasonOf = (address: string) =>
    candidates.find((candidate) => candidate.provider.toLowerCase() === address.toLowerCase());
  return (
    <section className="card" aria-labelledby="providers-title">
      <h2 id="providers-title">Providers</h2>
      {providers.value === undefined ? (
        providers.error === undefined ? (
          <Notice kind="loading">Asking for providers…</Notice>
        ) : (
          <Notice kind="error">{providers.error}</Notice>
        )
      ) : providers.value.length === 0 ? (
        <Notice kind="empty">No provider has joined yet.</Notice>
      ) : (
        <ul className="rows">
          {providers.value.map((provider) => {
            const reason = reasonOf(provider.address);
            return (
              <li key={provider.address}>
                <div className="row-head">
                  <span className={`dot ${provider.online ? "ok" : "offline"}`} aria-hidden="true" />
                  <strong>{provider.name}</strong>
                  <span className="muted small">
                    {provider.online ? (provider.draining ? "draining" : "online") : "offline"}
                  </span>
                  <Hash value={provider.address} label="Provider" />
                </div>
                <div className="muted small">
                  {provider.capabilities?.cpuCores ?? 0} cores ·{" "}
                  {Math.round((provider.selfTest?.evaluatorMacsPerSecond ?? 0) / 1e6)} M operations/s · stake{" "}
                  {aios(provider.stakedWei)} · {provider.runningJobs} running
                  {provider.priceWei.inference === undefined
                    ? ""
                    : ` · ${aios(provider.priceWei.inference)} an inference`}
                </div>
                {reason === undefined ? null : (
                  <div className={`why small ${reason.chosen ? "chosen" : ""}`}>
                    <strong>{reason.chosen ? "Chosen" : "Not chosen"}:</strong>{" "}
                    {shortenHexIn(reason.explanation)}
                  </div>
                )}
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
