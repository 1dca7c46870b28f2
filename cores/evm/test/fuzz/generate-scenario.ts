import { createAddress } from "../../src/contract-address.js";
import { FORK, HARDFORKS, type Hardfork } from "../../src/hardfork.js";
import { generateProgram, type Surroundings } from "./generate-program.js";
import { KEYS } from "./keys.js";
import { precompileAddress, precompileInput } from "./precompile-inputs.js";
import { Random } from "./random.js";
import {
  bytesOf,
  hexOf,
  type Program,
  type Scenario,
  type ScenarioAccount,
  type ScenarioAuthorization,
  type ScenarioTransaction,
} from "./scenario.js";

const contract = (n: number): string => n.toString(16).padStart(40, "c0de");
const numbered = (n: number): string => n.toString(16).padStart(40, "0");
const COINBASE = numbered(0xc01bba5e);
const NOBODY = numbered(0xdead);
const FORK_WEIGHTS: readonly (readonly [number, Hardfork])[] = HARDFORKS.map((fork) => [
  fork === "osaka" ? 5 : fork === "prague" || fork === "cancun" ? 3 : 1,
  fork,
]);

function storageOf(random: Random): Record<string, string> {
  const storage: Record<string, string> = {};
  for (let left = random.below(4); left > 0; left--)
    storage[String(random.below(4)).padStart(64, "0")] = String(random.between(1, 3)).padStart(64, "0");
  return storage;
}

function delegation(random: Random, addresses: readonly string[]): Program {
  return [`ef0100${random.pick(addresses)}`];
}

function accountsOf(
  random: Random,
  fork: Hardfork,
  around: Surroundings,
  contracts: number,
): ScenarioAccount[] {
  const accounts: ScenarioAccount[] = [];
  for (let n = 0; n < contracts; n++) {
    accounts.push({
      address: contract(n),
      balance: String(random.pick([0, 0, 1, 100, 10_000])),
      nonce: random.between(1, 2),
      code: generateProgram(random, around),
      storage: storageOf(random),
    });
  }
  for (const { address } of KEYS) {
    const delegates = FORK[fork] >= FORK.prague && random.chance(25);
    accounts.push({
      address,
      balance: random.chance(95) ? "1000000000000000000" : String(random.below(3_000_000)),
      nonce: random.below(3),
      code: delegates ? delegation(random, around.addresses) : [],
      storage: delegates ? storageOf(random) : {},
    });
  }
  if (random.chance(20))
    accounts.push({ address: COINBASE, balance: String(random.below(3)), nonce: 0, code: [], storage: {} });
  if (random.chance(10))
    accounts.push({ address: numbered(random.between(1, 9)), balance: "1", nonce: 0, code: [], storage: {} });
  return accounts;
}

function dataOf(random: Random): Program {
  return random.chance(40) ? [] : [hexOf(random.bytes(random.pick([1, 4, 32, 36, 68, 200])))];
}

const addressList = (random: Random, addresses: readonly string[]): ScenarioTransaction["accessList"] =>
  Array.from({ length: random.below(3) }, () => ({
    address: random.chance(90) ? random.pick(addresses) : numbered(precompileAddress(random)),
    slots: Array.from({ length: random.below(3) }, () => String(random.below(4)).padStart(64, "0")),
  }));

function authorization(random: Random, addresses: readonly string[]): ScenarioAuthorization {
  return {
    chainId: random.chance(90) ? random.below(2) : 5,
    address: random.chance(85) ? random.pick(addresses) : numbered(random.pick([0, 1, 5])),
    nonceOffset: random.chance(80) ? random.below(2) : random.between(0, 2),
    signer: random.chance(96) ? random.below(KEYS.length) : null,
  };
}

function typeOf(random: Random, fork: Hardfork): ScenarioTransaction["type"] {
  const types: ScenarioTransaction["type"][] = [0, 0, 1];
  if (FORK[fork] >= FORK.london || random.chance(2)) types.push(2, 2, 2);
  if (FORK[fork] >= FORK.cancun || random.chance(2)) types.push(3);
  if (FORK[fork] >= FORK.prague || random.chance(2)) types.push(4);
  return random.pick(types);
}

function gasLimit(random: Random): number {
  if (random.chance(2)) return random.between(20_000, 22_000);
  if (random.chance(0.3)) return random.pick([1_000_000, 16_777_216, 16_777_217, 40_000_000]);
  return random.pick([40_000, 80_000, 100_000, 150_000, 200_000, 300_000]) + random.below(5_000);
}

function transaction(
  random: Random,
  fork: Hardfork,
  around: Surroundings,
  targets: readonly string[],
): ScenarioTransaction {
  const type = typeOf(random, fork);
  const creates = type < 3 ? random.chance(12) : random.chance(1);
  const precompile = random.chance(4) ? precompileAddress(random) : undefined;
  const to =
    precompile !== undefined
      ? numbered(precompile)
      : random.pick(random.chance(85) ? targets : around.addresses);
  const tip = random.below(10);
  return {
    type,
    from: random.below(KEYS.length),
    nonceOffset: random.chance(97) ? 0 : random.pick([-1, 1]),
    to: creates ? null : to,
    gasLimit: gasLimit(random),
    value: random.chance(60) ? "0" : String(random.chance(95) ? random.below(1_000) : random.word() >> 128n),
    data: creates
      ? generateProgram(random, around, true)
      : precompile === undefined
        ? dataOf(random)
        : [precompileInput(random, precompile)],
    maxFeePerGas: random.chance(98) ? random.between(10, 20) : random.below(10),
    maxPriorityFeePerGas: random.chance(98) ? tip : 30,
    accessList: type === 0 ? [] : addressList(random, around.addresses),
    blobHashes:
      type === 3
        ? Array.from(
            { length: random.chance(95) ? random.between(1, 3) : random.pick([0, 6, 7, 9, 10]) },
            (_, i) => (random.chance(99) ? "01" : "02") + String(i).padStart(62, "0"),
          )
        : [],
    maxFeePerBlobGas: random.chance(97) ? 100 : 0,
    authorizations:
      type === 4
        ? Array.from({ length: random.chance(98) ? random.between(1, 3) : 0 }, () =>
            authorization(random, around.addresses),
          )
        : [],
  };
}

/** The scenario of a seed: the same one every time. */
export function generateScenario(seed: number): Scenario {
  const random = new Random(seed);
  const fork = random.weighted(FORK_WEIGHTS);
  const contracts = random.between(1, 4);
  const targets = Array.from({ length: contracts }, (_, n) => contract(n));
  const senders = KEYS.map(({ address }) => address);
  const created = senders.map((sender) => hexOf(createAddress(bytesOf(sender), BigInt(random.below(3)))));
  const around = { addresses: [...targets, ...targets, ...senders, ...created, COINBASE, NOBODY] };
  return {
    origin: `seed ${seed}`,
    fork,
    block: {
      number: 1_000,
      timestamp: 1_700_000_000,
      gasLimit: 30_000_000,
      baseFeePerGas: random.pick([0, 7, 9]),
      excessBlobGas: random.pick([0, 0, 10_000_000]),
      coinbase: random.chance(90) ? COINBASE : random.pick(targets),
      prevRandao: hexOf(random.bytes(32)),
    },
    accounts: accountsOf(random, fork, around, contracts),
    transactions: Array.from({ length: random.between(1, 4) }, () =>
      transaction(random, fork, around, targets),
    ),
  };
}
