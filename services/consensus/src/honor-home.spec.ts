import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "@aios/testkit/temporary-directory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConsensusSettings, honorOptions } from "./config.js";
import { HOME_FILES, readHonorHome } from "./honor-home.js";
import { defaultHonorSettings } from "./node/honor-options.js";
import { makeHonorNetwork } from "./testnet/honor-network.js";

const genesis = {
  chainId: 7,
  timestampSeconds: 1,
  feeRecipient: `0x${"ab".repeat(20)}`,
  baseFeeSplit: { burnedBps: 10_000, recipients: [] },
  alloc: {},
};

describe("the settings in a node's home", () => {
  const directory = temporaryDirectory("honor-home");
  let home: string;
  let file: Record<string, unknown>;
  const read = async (settings: Record<string, unknown>) => {
    await writeFile(join(home, HOME_FILES.node), JSON.stringify({ ...file, settings }));
    return readHonorHome(home);
  };

  beforeAll(async () => {
    const places = [1, 2, 3, 4].map((port) => ({ rpcPort: port, peerPort: 10 + port }));
    const plan = {
      directory: directory.path,
      seats: 4,
      places,
      genesis,
      genesisTimeMs: 1,
      maxDelayMs: 100,
      k: 10,
    };
    home = (await makeHonorNetwork(plan))[0] as string;
    file = JSON.parse(await readFile(join(home, HOME_FILES.node), "utf8")) as Record<string, unknown>;
  });
  afterAll(() => directory.remove());

  it("may be what a node does without them", async () => {
    expect((await read({ ...defaultHonorSettings })).honor.settings).toEqual(defaultHonorSettings);
    expect((await read({})).honor.settings).toEqual({});
  });

  it.each([
    ["maxFrameBytes", 1_048_576],
    ["maxFrameBytes", 1_000_000_000],
    ["maxQueueBytes", 1],
    ["maxTransactionsPerBlock", 20_001],
    ["poolCapacity", 0],
    ["maxWaitingBytes", 1_000],
    ["gossipMs", 1],
    ["clockToleranceMs", 3_600_000],
    ["packetsPerSecond", 1],
    ["maxBlockBytes", 1_048_576],
    ["proposeMs", 1.5],
  ])("are refused with %s of %d", async (name, value) => {
    await expect(read({ [name]: value })).rejects.toMatchObject({
      code: "invalid-node-home",
      message: expect.stringContaining(name),
    });
  });

  it("are refused with an interval that leaves no leader time to propose", async () => {
    for (const settings of [{ checkpointIntervalMs: 1_200 }, { proposeMs: 250 }])
      await expect(read(settings)).rejects.toMatchObject({ code: "invalid-node-home" });
    await expect(read({ checkpointIntervalMs: 1_200, proposeMs: 1_201 })).resolves.toBeDefined();
    const environment = {
      CONSENSUS_MODE: "honor",
      CONSENSUS_NODE_KEY_FILE: "node.pem",
      CONSENSUS_CHECKPOINT_INTERVAL: 1_200,
    } as ConsensusSettings;
    await expect(honorOptions(environment)).rejects.toMatchObject({ code: "invalid-checkpoint-interval" });
  });

  it("are refused with frames that do not fit the queue of a peer", async () => {
    await expect(read({ maxFrameBytes: 33_554_432 })).rejects.toMatchObject({ code: "invalid-node-home" });
    await expect(read({ maxFrameBytes: 33_554_432, maxQueueBytes: 33_554_432 })).resolves.toBeDefined();
  });
});
