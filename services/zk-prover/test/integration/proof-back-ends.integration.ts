import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bbProgram } from "@aios/barretenberg/bb-program";
import { UltraHonkProver } from "@aios/barretenberg/ultra-honk-prover";
import { Groth16Prover } from "@aios/core-groth16/groth16-prover";
import { developmentReferenceString } from "@aios/core-ultra-honk/reference-string";
import { systemRng } from "@aios/service-kit/system-rng";
import { StartedThreads } from "@aios/testkit/started-threads";
import { CalculationThread } from "../../src/adapters/native/calculation-thread.js";
import { Groth16BackEnd } from "../../src/application/groth16-back-end.js";
import { HonkBackEnd } from "../../src/application/honk-back-end.js";
import type { ProofBackEnd } from "../../src/application/proof-back-end.js";
import { testedFirst } from "../../src/application/prover-self-test.js";
import {
  type ProofBackEndUnderTest,
  proofBackEndConformance,
} from "../conformance/proof-back-end.conformance.js";
import { killNextChild } from "../support/kill-children.js";

const NO_CEREMONY = { take: () => Promise.reject(new Error("no ceremony is taken here")) };
const CRASH_WITHIN_MS = 30_000;

async function openGroth16(wrap: (backEnd: ProofBackEnd) => ProofBackEnd): Promise<ProofBackEndUnderTest> {
  const threads = new StartedThreads();
  const prover = new Groth16Prover({ threads: 2 });
  return {
    backEnd: wrap(new Groth16BackEnd(prover, NO_CEREMONY, systemRng)),
    async crash() {
      await threads.crash();
    },
    async close() {
      threads[Symbol.dispose]();
      await prover.close();
    },
  };
}

async function openHonk(): Promise<ProofBackEndUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), "aios-honk-"));
  const prover = new UltraHonkProver({
    directory,
    referenceString: async (logRows) => developmentReferenceString(logRows),
    threads: 1,
  });
  const calculations = new CalculationThread();
  return {
    backEnd: new HonkBackEnd(prover, developmentReferenceString(2), calculations),
    ...(process.platform === "linux"
      ? { crash: () => killNextChild(AbortSignal.timeout(CRASH_WITHIN_MS)) }
      : {}),
    async close() {
      await prover.close();
      await calculations.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

proofBackEndConformance("Groth16BackEnd", () => openGroth16((backEnd) => backEnd));
proofBackEndConformance("Groth16BackEnd, testedFirst", () =>
  openGroth16((backEnd) => testedFirst(backEnd, systemRng)),
);
if (bbProgram() !== undefined) proofBackEndConformance("HonkBackEnd", openHonk);
