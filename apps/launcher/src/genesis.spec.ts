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

it("sends it to the staking contract where honor nodes make them", { timeout: 120_000 }, async () => {
  const places = [0, 1, 2, 3].map((node) => ({ rpcPort: 1 + node, peerPort: 11 + node }));
  const [home = ""] = await makeHonorHomes(join(directory, "homes"), places, identities, 1_767_225_600_000);
  const genesis: unknown = JSON.parse(readFileSync(join(home, HOME_FILES.genesis), "utf8"));
  expect(stakersOf(genesis)).toEqual([{ name: "stakers", address: STAKING_CONTRACT, shareBps: 3_000 }]);
});
