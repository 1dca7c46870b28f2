import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { evaluate } from "@aios/core-zkml/evaluator";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { encodeIntegerModel, modelCommitment } from "@aios/core-zkml/integer-model";
import { encodeJobInput } from "@aios/core-zkml/job-input";
import { packOutput } from "@aios/core-zkml/output-packing";
import { SeededRng } from "@aios/kernel/random";
import { LeaseGranted } from "@aios/proto/aios/compute/v1/compute";
import { eventually } from "@aios/testkit/eventually";
import { hexlify, toBeHex } from "ethers/utils";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { referenceModel } from "../../src/domain/self-test.js";
import { ProviderPlatform } from "../provider-platform.js";
import { ordered, PIN } from "../scripted-compute.js";

const MAIN = fileURLToPath(new URL("../../dist/src/main.js", import.meta.url));
const CRASH_POINTS = [
  "provider.grant.before-persist",
  "provider.grant.after-persist",
  "provider.inference.after-evaluate",
  "provider.outcome.before-persist",
  "provider.outcome.after-persist",
  "provider.outcome.before-send",
  "provider.outcome.after-send",
];
const rng = new SeededRng(5);
const model = referenceModel();
const input = rng.bytes(784);
const salt = rng.bytes(32);
const commitment = toBeHex(inputCommitment(input, salt), 32);
const packed = packOutput(evaluate(model, input));

let platform: ProviderPlatform;
let cids: { modelCid: string; inputCid: string };
let child: ChildProcess | undefined;

beforeAll(async () => {
  platform = await ProviderPlatform.start();
  cids = {
    modelCid: await platform.publish(encodeIntegerModel(model), "model"),
    inputCid: await platform.publish(encodeJobInput({ input, salt }), "job-input"),
  };
});
afterAll(() => platform?.stop());
afterEach(() => {
  child?.kill("SIGKILL");
  platform.compute.received.length = 0;
});

function startProcess(dataDir: string, crashAt: string): ChildProcess {
  return spawn(process.execPath, [MAIN], {
    stdio: "ignore",
    env: {
      ...PIN,
      COMPUTE_GRPC_URL: platform.compute.url,
      PROVIDER_KEY_FILE: platform.keyFile("crashing", "9"),
      PROVIDER_JOB_KINDS: "inference",
      AIOS_DATA_DIR: dataDir,
      AIOS_CRASH_AT: crashAt,
    },
  });
}

const exited = (process: ChildProcess): Promise<string | null> =>
  new Promise((resolve) => process.once("exit", (_code, signal) => resolve(signal)));

describe("a provider killed with kill -9", () => {
  it.each(CRASH_POINTS)(
    "at %s delivers the right output after its restart and then owes nothing",
    async (point) => {
      const at = CRASH_POINTS.indexOf(point);
      const dataDir = platform.dataDir(`crash-${at}`);
      const marker = join(platform.directory.path, `marker-${at}`);
      const grant = LeaseGranted.fromPartial({
        ...ordered(at, { inputCommitment: commitment }),
        fencingToken: 1,
        spec: { inference: { modelId: 1 } },
        ...cids,
        modelCommitment: modelCommitment(model),
        inputCommitment: Buffer.from(commitment.slice(2), "hex"),
        agreedPriceWei: "10000000000000000",
      });
      // As compute does after each welcome: what is leased and not delivered is granted again.
      platform.compute.onProof = (stream) => {
        stream.write(platform.compute.welcome());
        platform.compute.grant(grant).catch(() => undefined);
      };
      const first = startProcess(dataDir, `${point}=${marker}`);
      child = first;
      expect(await exited(first)).toBe("SIGKILL");
      expect(existsSync(marker)).toBe(true);

      child = startProcess(dataDir, `${point}=${marker}`);
      const afterRestart = platform.compute.received.filter(
        ({ jobResult }) => jobResult !== undefined,
      ).length;
      const results = await platform.compute.all("jobResult", afterRestart + 1);
      for (const { output } of results) expect(BigInt(hexlify(output))).toBe(packed);
      platform.compute.onProof = (stream) => stream.write(platform.compute.welcome());
      platform.compute.send({ resultAcknowledged: { jobId: grant.jobId, fencingToken: 1 } });
      await eventually(() => expect(readdirSync(join(dataDir, "leases"))).toEqual([]));
    },
  );
});
