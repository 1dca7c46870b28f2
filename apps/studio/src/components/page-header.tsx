import type { PlatformHealth } from "@aios/sdk/api-types";
import { useEffect, useState } from "react";
import type { Polled } from "../lib/use-polled.js";

type Theme = "light" | "dark";

function initialTheme(): Theme {
  const kept = window.localStorage.getItem("theme");
  if (kept === "light" || kept === "dark") return kept;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

interface Props {
  readonly title: string;
  readonly tagline: string;
  /** Absent on pages that ask nobody. */
  readonly health?: Polled<PlatformHealth>;
}

export function PageHeader({ title, tagline, health }: Props) {
  const [theme, setTheme] = useState<Theme>(initialTheme);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    window.localStorage.setItem("theme", theme);
  }, [theme]);
  const other = theme === "dark" ? "light" : "dark";
  return (
    <header className="page-header">
      <div className="brand">
        <img src="/icon.svg" alt="" width="36" height="36" />
        <div>
          <h1>{title}</h1>
          <p>{tagline}</p>
        </div>
      </div>
      <div className="header-side">
        {health === undefined ? null : <NetworkStatus health={health} />}
        <button
          type="button"
          className="quiet"
          onClick={() => setTheme(other)}
          aria-label={`Switch to the ${other} theme`}
        >
          {theme === "dark" ? "Light" : "Dark"}
        </button>
      </div>
    </header>
  );
}

function NetworkStatus({ health }: { readonly health: Polled<PlatformHealth> }) {
  const state =
    health.error !== undefined ? "offline" : health.value === undefined ? "unknown" : health.value.status;
  const text = { offline: "Offline", unknown: "Connecting", ok: "All services answer", degraded: "Degraded" }[
    state
  ];
  return (
    <details className="network">
      <summary>
        <span className={`dot ${state}`} aria-hidden="true" />
        {text}
      </summary>
      <div className="popover">
        {health.error === undefined ? null : <p>{health.error}</p>}
        <ul>
          {health.value?.services.map((service) => (
            <li key={service.name}>
              <span className={`dot ${service.healthy ? "ok" : "offline"}`} aria-hidden="true" />
              <strong>{service.name}</strong>{" "}
              <span className="muted">{service.healthy ? service.detail : `down: ${service.detail}`}</span>
            </li>
          ))}
        </ul>
        <p className="muted">
          <a href="/docs">API</a> · version {health.value?.version ?? "unknown"}
        </p>
      </div>
    </details>
  );
}
