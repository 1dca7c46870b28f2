import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseGenesis } from "@aios/consensus/domain/genesis";
import { HOME_FILES } from "@aios/consensus/honor-home";
import { STAKERS_RESERVE, STAKING_CONTRACT } from "@aios/consensus/testnet/staking-genesis";
import { afterAll, expect, it } from "vitest";
import { localGenesis } from "./genesis.js";
import { makeHonorHomes } from "./honor-nodes.js";
import { loadIdentities } from "./identities.js";

const directory = mkdtempSync(join(tmpdir(), "aios-genesis-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const identities = loadIdentities(join(directory, "keys"));

const stakersOf = (genesis: unknown) =>
  parseGenesis(genesis).baseFeeShares.filter(({ name }) => name === "stakers");

it("lets the stakers' part wait where nobody has the key and no code moves it, while one node makes the blocks", () => {
  const genesis = localGenesis(identities, 1_767_225_600);
  expect(stakersOf(genesis)).toEqual([{ name: "stakers", address: STAKERS_RESERVE, shareBps: 3_000 }]);
  const accounts = Object.values(identities.accounts).map(({ address }) => address);
  expect(accounts).not.toContain(STAKERS_RESERVE);
  expect(parseGenesis(genesis).alloc.get(STAKERS_RESERVE)).toBeUndefined();
});

async function genesisOf(nodes: number): Promise<unknown> {
  const places = Array.from({ length: nodes }, (_, node) => ({ rpcPort: 1 + node, peerPort: 11 + node }));
  const homes = mkdtempSync(join(directory, "homes-"));
  const [home = ""] = await makeHonorHomes(homes, places, identities, 1_767_225_600_000);
  return JSON.parse(readFileSync(join(home, HOME_FILES.genesis), "utf8"));
}

it("sends it to the staking contract where honor nodes make them", { timeout: 120_000 }, async () => {
  const genesis = await genesisOf(4);
  expect(stakersOf(genesis)).toEqual([{ name: "stakers", address: STAKING_CONTRACT, shareBps: 3_000 }]);
});

it("gives one group short ticks and a k that is safe for them, and slots as long as any", {
  timeout: 120_000,
}, async () => {
  const [one, several] = [parseGenesis(await genesisOf(4)).honor, parseGenesis(await genesisOf(6)).honor];
  expect(one?.time).toMatchObject({ tickMs: 300, ticksPerSlot: 10 });
  expect(several?.time).toMatchObject({ tickMs: 1_500, ticksPerSlot: 2 });
  expect([one?.ghostdag.k, several?.ghostdag.k]).toEqual([7, 2]);
});
