import { BaseSequencer } from "vitest/node";

/**
 * Files that wait long for processes, deadlines or browsers, longest first: begun last, one of them would run alone
 * at the end. vitest knows durations only from a run before, which a fresh clone has not.
 */
const LONG = [
  "e2e/test/faults.e2e.ts",
  "e2e/test/main-job.e2e.ts",
  "e2e/test/launcher.e2e.ts",
  "e2e/test/backends.e2e.ts",
  "e2e/sim/test/chain-simulation.spec.ts",
  "compute/test/integration/job-flow.integration.ts",
  "zk-prover/test/integration/prover-faults.integration.ts",
  "compute/test/integration/peers.integration.ts",
  "compute/test/integration/crash-points-of-failures.integration.ts",
  "compute/test/integration/crash-points.integration.ts",
  "zk-prover/test/integration/ceremony-keys.integration.ts",
  "compute/test/integration/rungs.integration.ts",
  "marketplace/test/integration/peers.integration.ts",
  "provider/test/integration/provider.integration.ts",
  "studio/test/chain.integration.ts",
  "consensus/test/integration/honor-network.integration.ts",
  "consensus/test/integration/honor-service.integration.ts",
  "consensus/test/integration/honor-set.integration.ts",
  "storage/test/integration/storage-service.integration.ts",
  "testkit/test/integration/kafka-adapters.integration.ts",
  "testkit/test/integration/service-life.integration.ts",
  "economy/test/integration/chain-outbox.integration.ts",
  "studio/test/studio.integration.ts",
  "cli/test/integration/ceremony.integration.ts",
];

export class LongFirst extends BaseSequencer {
  /** @param {import("vitest/node").TestSpecification[]} files */
  async sort(files) {
    const place = ({ moduleId }) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
