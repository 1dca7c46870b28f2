import type { SupervisorEvents } from "./supervisor.js";

/** Tells the operator what the supervisor does; what a person needs, not every line of every log. */
export function announcements(out: NodeJS.WriteStream): SupervisorEvents {
  return {
    started() {},
    ready(name, tookMs) {
      out.write(`      ${name.padEnd(12)} ready after ${(tookMs / 1000).toFixed(1)} s\n`);
    },
    crashed(exit, restartInMs) {
      const how = exit.signal === null ? `exit code ${exit.code ?? "unknown"}` : `signal ${exit.signal}`;
      out.write(
        `\n  !  ${exit.name} ended (${how}); it starts again in ${restartInMs} ms. Its last lines:\n`,
      );
      for (const line of exit.lastLines.slice(-4)) out.write(`       ${line.slice(0, 300)}\n`);
    },
  };
}
