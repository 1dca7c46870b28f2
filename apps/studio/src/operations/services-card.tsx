import type { OperatedService } from "@aios/sdk/operations-types";
import { age, bytes, trouble } from "./figures.js";

const DOT = { ready: "ok", "not-ready": "degraded", silent: "offline" } as const;
const STATE = { ready: "Ready", "not-ready": "Not ready", silent: "Does not answer" } as const;

/** Every service with its version, age, and what is wrong with it. */
export function ServicesCard({
  services,
  nowMs,
}: {
  readonly services: readonly OperatedService[];
  readonly nowMs: number;
}) {
  const version = services[0]?.version ?? null;
  return (
    <section className="card" aria-labelledby="services-title">
      <h2 id="services-title">Services</h2>
      <table className="figures services">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">State</th>
            <th scope="col">Version</th>
            <th scope="col" className="number">
              Up
            </th>
            <th scope="col" className="number">
              Answers in
            </th>
            <th scope="col" className="number">
              Memory
            </th>
            <th scope="col" className="number">
              Outbox
            </th>
            <th scope="col" className="number">
              Disk free
            </th>
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <ServiceRows key={service.name} service={service} version={version} nowMs={nowMs} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function ServiceRows({
  service,
  version,
  nowMs,
}: {
  readonly service: OperatedService;
  readonly version: string | null;
  readonly nowMs: number;
}) {
  const wrong = trouble(service, version);
  const { startedAtMs, memoryBytes, outbox, disk } = service;
  return (
    <>
      <tr className={wrong === undefined ? undefined : "troubled"}>
        <th scope="row">{service.name}</th>
        <td data-label="State">
          <span className={`dot ${DOT[service.state]}`} aria-hidden="true" /> {STATE[service.state]}
        </td>
        <td data-label="Version">{service.version ?? "–"}</td>
        <td data-label="Up" className="number">
          {startedAtMs === null ? "–" : age(nowMs - startedAtMs)}
        </td>
        <td data-label="Answers in" className="number">
          {service.state === "silent" ? "–" : `${service.latencyMs.toFixed(1)} ms`}
        </td>
        <td data-label="Memory" className="number">
          {memoryBytes === null ? "–" : bytes(memoryBytes)}
        </td>
        <td data-label="Outbox" className="number">
          {outbox === null ? "–" : outbox.events.toLocaleString("en")}
        </td>
        <td data-label="Disk free" className="number">
          {disk === null ? "–" : bytes(disk.freeBytes)}
        </td>
      </tr>
      {wrong === undefined ? null : (
        <tr className="trouble">
          <td colSpan={8}>{wrong}</td>
        </tr>
      )}
    </>
  );
}
