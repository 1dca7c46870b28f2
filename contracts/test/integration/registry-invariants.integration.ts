import { receiptTree } from "@aios/core-contribution/receipt-tree";
import { splitLicencePrice } from "@aios/core-settlement/splits";
import { id, keccak256, toBeHex, ZeroHash } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Reverted } from "../support/calls.js";
import { startChain, type TestChain } from "../support/chain.js";
import { TestProtocol } from "../support/protocol.js";

/**
 * Random sequences of what anyone can try, good and bad, against a model of each registry in a few lines. Each step must
 * end as the model says: done, or refused with this error. After each step the contract says of itself what the model
 * says, and holds exactly the coins that it owes.
 */
interface RegistryModel<Step> {
  /** `done`, or the name of the error. */
  expected(step: Step): string;
  attempt(step: Step): Promise<unknown>;
  /** What a step that was done has changed. */
  note(step: Step): void;
  /** Compares the contract with the model. */
  check(): Promise<void>;
}

const STEPS = 50;
const PARAMETERS = {
  numRuns: Number(process.env["INVARIANT_RUNS"] ?? 1),
  seed: Number(process.env["INVARIANT_SEED"] ?? 20_261),
  endOnFailure: true,
};
const TEST = { timeout: 300_000 };
const UNBOND_SECONDS = 100;

let chain: TestChain;
let protocol: TestProtocol;
let now: number;

beforeAll(async () => {
  chain = await startChain();
  protocol = await TestProtocol.start(chain);
  await protocol.wrap("stranger", 1_000_000n);
  now = await chain.now();
  await passSeconds(1);
});
afterAll(() => chain?.stop());

/** Time stands still between, so that a model can tell what a deadline does. */
async function passSeconds(seconds: number): Promise<void> {
  now += seconds;
  await chain.freezeAt(now);
}

async function outcomeOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => "done",
    (error: unknown) => {
      if (error instanceof Reverted) return error.decoded.error;
      throw error;
    },
  );
}

/** All these outcomes must be met, or the generator would test nothing. */
async function expectToHold<Step>(
  step: fc.Arbitrary<Step>,
  model: RegistryModel<Step>,
  outcomes: readonly string[],
): Promise<void> {
  const met = new Set<string>();
  const steps = fc.array(step, { minLength: STEPS, maxLength: STEPS });
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      for (const one of sequence) {
        const expected = model.expected(one);
        expect(await outcomeOf(model.attempt(one)), fc.stringify(one)).toBe(expected);
        if (expected === "done") model.note(one);
        await model.check();
        met.add(expected);
      }
    }),
    PARAMETERS,
  );
  expect([...met].sort()).toEqual([...outcomes].sort());
}

/** What a step could have changed by mistake: the oldest entry and the newest. */
function firstAndLast(entries: readonly unknown[]): number[] {
  return [...new Set([0, entries.length - 1])].filter((index) => index in entries);
}

const STAKERS = ["provider", "rival", "stranger"] as const;
type Staker = (typeof STAKERS)[number];
const staker = fc.constantFrom(...STAKERS);
const stakeStep = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      move: fc.constant("register" as const),
      who: staker,
      signer: fc.oneof({ weight: 3, arbitrary: fc.constant("self") }, fc.constant("other")),
      stakeWei: fc.constantFrom(0n, 999n, 1_000n, 2_500n),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ move: fc.constantFrom("unbond" as const, "withdraw" as const), who: staker }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      move: fc.constant("wait" as const),
      seconds: fc.constantFrom(1, 99, UNBOND_SECONDS, UNBOND_SECONDS),
    }),
  },
);
type StakeStep = typeof stakeStep extends fc.Arbitrary<infer T> ? T : never;

class StakeModel implements RegistryModel<StakeStep> {
  readonly #coins = new Map<Staker, bigint>();
  readonly #records = new Map<Staker, { readonly stakeWei: bigint; readonly unbondedAt: number }>([
    ["provider", { stakeWei: 2_000n, unbondedAt: 0 }],
    ["rival", { stakeWei: 2_000n, unbondedAt: 0 }],
  ]);

  static async start(): Promise<StakeModel> {
    const model = new StakeModel();
    for (const party of STAKERS) model.#coins.set(party, await model.#coinsOf(party));
    return model;
  }

  expected(step: StakeStep): string {
    if (step.move === "wait") return "done";
    const record = this.#records.get(step.who);
    if (step.move === "register") {
      if (step.signer === "other") return "BadSignature";
      if (record !== undefined && record.unbondedAt !== 0) return "ProviderIsUnbonding";
      const stakeWei = (record?.stakeWei ?? 0n) + step.stakeWei;
      return stakeWei < BigInt(protocol.parameters.minimumStakeWei) ? "StakeTooLow" : "done";
    }
    if (record === undefined) return "ProviderUnknown";
    if (step.move === "unbond") return record.unbondedAt === 0 ? "done" : "ProviderIsUnbonding";
    return record.unbondedAt === 0 || now < record.unbondedAt ? "StillBonded" : "done";
  }

  attempt(step: StakeStep): Promise<unknown> {
    if (step.move === "wait") return passSeconds(step.seconds);
    const { providers, wallets } = protocol;
    const provider = protocol.address(step.who);
    if (step.move === "register") {
      const other = step.who === "rival" ? "provider" : "rival";
      const { stakeWei } = step;
      return protocol.register(step.signer === "self" ? step.who : other, { provider, stakeWei });
    }
    return step.move === "unbond"
      ? providers.send(wallets[step.who], "unbond", [])
      : providers.send(wallets.relayer, "withdrawStake", [provider]);
  }

  note(step: StakeStep): void {
    if (step.move === "wait") return;
    const { stakeWei } = this.#records.get(step.who) ?? { stakeWei: 0n };
    if (step.move === "register")
      this.#records.set(step.who, { stakeWei: stakeWei + step.stakeWei, unbondedAt: 0 });
    else if (step.move === "unbond")
      this.#records.set(step.who, { stakeWei, unbondedAt: now + UNBOND_SECONDS });
    else this.#records.delete(step.who);
  }

  async check(): Promise<void> {
    let stakedWei = 0n;
    for (const party of STAKERS) {
      const record = this.#records.get(party);
      const account = protocol.address(party);
      const said = (await protocol.providers.read("providerOf", [account])) as Record<string, bigint>;
      expect(said["stakeWei"]).toBe(record?.stakeWei ?? 0n);
      expect(said["unbondedAt"]).toBe(BigInt(record?.unbondedAt ?? 0));
      expect(await protocol.providers.read("isActive", [account])).toBe(record?.unbondedAt === 0);
      expect(await this.#coinsOf(party)).toBe(this.#coins.get(party));
      stakedWei += record?.stakeWei ?? 0n;
    }
    expect(await protocol.providers.readBigInt("totalStakedWei")).toBe(stakedWei);
    expect(await protocol.balance(protocol.providers.address)).toBe(stakedWei);
  }

  /** In the wallet and at stake. */
  async #coinsOf(party: Staker): Promise<bigint> {
    return (await protocol.balance(protocol.address(party))) + (this.#records.get(party)?.stakeWei ?? 0n);
  }
}

it(
  "ProviderRegistry holds what providers have at stake, and lets nobody leave early or twice",
  TEST,
  async () => {
    await expectToHold(stakeStep, await StakeModel.start(), [
      "done",
      "BadSignature",
      "ProviderIsUnbonding",
      "ProviderUnknown",
      "StakeTooLow",
      "StillBonded",
    ]);
  },
);

const HOLDERS = ["buyer", "stranger"] as const;
type Holder = (typeof HOLDERS)[number];
const holder = fc.constantFrom(...HOLDERS);
/** What buyers agree to pay at most. */
const CAP_WEI = 2_000n;
const licenceStep = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      move: fc.constant("publish" as const),
      commitment: fc.nat({ max: 4 }).map((index) => id(`model ${index}`)),
      licencePriceWei: fc.constantFrom(0n, 1n, 1_001n, CAP_WEI + 1n),
      royaltyBps: fc.constantFrom(499, 500, 700, 1_500),
    }),
  },
  { weight: 4, arbitrary: fc.record({ move: fc.constant("buy" as const), model: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constant("repeat the last purchase" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      move: fc.constant("transfer" as const),
      licence: fc.nat({ max: 2 }),
      from: holder,
      to: holder,
      sender: holder,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      move: fc.constant("withdraw" as const),
      who: fc.constantFrom("owner" as const, "treasury" as const),
    }),
  },
);
type LicenceStep = typeof licenceStep extends fc.Arbitrary<infer T> ? T : never;
interface Licence {
  readonly modelId: bigint;
  holder: Holder;
}
type ModelTerms = Omit<Extract<LicenceStep, { move: "publish" }>, "move">;

class LicenceModel implements RegistryModel<LicenceStep> {
  readonly #models: ModelTerms[] = [];
  readonly #licences: Licence[] = [];
  readonly #owed = { owner: 0n, treasury: 0n };
  readonly #accounts = { owner: protocol.address("owner"), treasury: protocol.treasury };
  #lastPurchase = { modelId: 99n, nonce: 0n, deadline: 0n };
  #supplyWei: bigint;

  constructor(supplyWei: bigint) {
    this.#supplyWei = supplyWei;
  }

  expected(step: LicenceStep): string {
    switch (step.move) {
      case "publish": {
        if (step.royaltyBps < 500) return "RoyaltyOutOfRange";
        const isKnown = this.#models.some(({ commitment }) => commitment === step.commitment);
        return isKnown ? "AlreadyPublished" : "done";
      }
      case "buy": {
        const model = this.#models[step.model];
        if (model === undefined) return "ModelUnknown";
        return model.licencePriceWei > CAP_WEI ? "PriceAboveMaximum" : "done";
      }
      case "repeat the last purchase":
        return this.#licences.length === 0 ? "ModelUnknown" : "AlreadyConsumed";
      case "transfer": {
        const licence = this.#licences[step.licence];
        if (licence === undefined) return "ERC721NonexistentToken";
        if (licence.holder !== step.sender) return "ERC721InsufficientApproval";
        return licence.holder === step.from ? "done" : "ERC721IncorrectOwner";
      }
      case "withdraw":
        return this.#owed[step.who] === 0n ? "NothingToWithdraw" : "done";
    }
  }

  async attempt(step: LicenceStep): Promise<unknown> {
    switch (step.move) {
      case "publish": {
        const { commitment: modelCommitment, licencePriceWei, royaltyBps } = step;
        return protocol.publish({ modelCommitment, licencePriceWei, royaltyBps });
      }
      case "buy": {
        const modelId = BigInt(step.model + 1);
        const once = { nonce: protocol.nonce(), deadline: BigInt(now) + 3_600n };
        await protocol.buyLicence(modelId, { ...once, maxPriceWei: CAP_WEI });
        this.#lastPurchase = { modelId, ...once };
        return;
      }
      case "repeat the last purchase": {
        const { modelId, ...once } = this.#lastPurchase;
        return protocol.buyLicence(modelId, { ...once, maxPriceWei: CAP_WEI });
      }
      case "transfer": {
        const [from, to] = [protocol.address(step.from), protocol.address(step.to)];
        const licenceId = BigInt(step.licence + 1);
        return protocol.models.send(protocol.wallets[step.sender], "transferFrom", [from, to, licenceId]);
      }
      case "withdraw":
        return protocol.models.send(protocol.wallets.relayer, "withdrawFor", [this.#accounts[step.who]]);
    }
  }

  note(step: LicenceStep): void {
    if (step.move === "publish") this.#models.push(step);
    else if (step.move === "buy") this.#noteSale(step.model);
    else if (step.move === "withdraw") this.#owed[step.who] = 0n;
    else if (step.move === "transfer") {
      const licence = this.#licences[step.licence];
      if (licence !== undefined) licence.holder = step.to;
    }
  }

  #noteSale(model: number): void {
    const priceWei = this.#models[model]?.licencePriceWei ?? 0n;
    const split = splitLicencePrice(priceWei, protocol.parameters.protocolFeeBps);
    this.#licences.push({ modelId: BigInt(model + 1), holder: "buyer" });
    this.#owed.owner += split.ownerWei;
    this.#owed.treasury += split.feeTreasuryWei;
    this.#supplyWei -= split.feeBurnedWei;
  }

  async check(): Promise<void> {
    await this.#checkMoney();
    const { models } = protocol;
    expect(await models.readBigInt("modelCount")).toBe(BigInt(this.#models.length));
    expect(await models.readBigInt("licenceCount")).toBe(BigInt(this.#licences.length));
    for (const index of firstAndLast(this.#models)) {
      const { commitment, licencePriceWei, royaltyBps } = this.#models[index] as ModelTerms;
      const said = (await models.read("modelById", [BigInt(index + 1)])) as Record<string, unknown>;
      expect(said["modelCommitment"]).toBe(commitment);
      expect(said["licencePriceWei"]).toBe(licencePriceWei);
      expect(said["royaltyBps"]).toBe(BigInt(royaltyBps));
    }
    for (const index of firstAndLast(this.#licences)) {
      const { modelId, holder } = this.#licences[index] as Licence;
      for (const who of HOLDERS) {
        const isHis = await models.read("isLicensed", [modelId, BigInt(index + 1), protocol.address(who)]);
        expect(isHis).toBe(who === holder);
      }
    }
  }

  async #checkMoney(): Promise<void> {
    const { models, token } = protocol;
    const owedWei = this.#owed.owner + this.#owed.treasury;
    expect(await models.readBigInt("withdrawable", [this.#accounts.owner])).toBe(this.#owed.owner);
    expect(await models.readBigInt("withdrawable", [this.#accounts.treasury])).toBe(this.#owed.treasury);
    expect(await models.readBigInt("totalWithdrawableWei")).toBe(owedWei);
    expect(await protocol.balance(models.address)).toBe(owedWei);
    expect(await token.readBigInt("totalSupply")).toBe(this.#supplyWei);
  }
}

it(
  "ModelLicence owes what it holds, sells at the signed terms, and knows whose each licence is",
  TEST,
  async () => {
    const supplyWei = await protocol.token.readBigInt("totalSupply");
    await expectToHold(licenceStep, new LicenceModel(supplyWei), [
      "done",
      "AlreadyConsumed",
      "AlreadyPublished",
      "ERC721IncorrectOwner",
      "ERC721InsufficientApproval",
      "ERC721NonexistentToken",
      "ModelUnknown",
      "NothingToWithdraw",
      "PriceAboveMaximum",
      "RoyaltyOutOfRange",
    ]);
  },
);

const receiptStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      move: fc.constant("anchor" as const),
      who: fc.constantFrom("anchor" as const, "anchor" as const, "stranger" as const),
      ahead: fc.constantFrom(0, 1, 1, 1, 1, 2),
      digests: fc
        .array(fc.bigInt({ min: 1n, max: 1n << 200n }), { maxLength: 5 })
        .map((serials) => [...new Set(serials.map((serial) => keccak256(toBeHex(serial, 32))))]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      move: fc.constantFrom("grantRole" as const, "revokeRole" as const),
      by: fc.constantFrom("deployer" as const, "anchor" as const),
    }),
  },
);
type ReceiptStep = typeof receiptStep extends fc.Arbitrary<infer T> ? T : never;

interface Batch {
  readonly root: string;
  readonly digests: readonly string[];
}

class BatchModel implements RegistryModel<ReceiptStep> {
  readonly #role: unknown;
  readonly #batches: Batch[] = [];
  #mayStranger = false;

  constructor(role: unknown) {
    this.#role = role;
  }

  expected(step: ReceiptStep): string {
    if (step.move !== "anchor") return step.by === "deployer" ? "done" : "AccessControlUnauthorizedAccount";
    if (step.who === "stranger" && !this.#mayStranger) return "AccessControlUnauthorizedAccount";
    if (step.ahead !== 1) return "BatchOutOfOrder";
    return step.digests.length === 0 ? "BatchEmpty" : "done";
  }

  attempt(step: ReceiptStep): Promise<unknown> {
    const { receipts, wallets } = protocol;
    if (step.move !== "anchor")
      return receipts.send(wallets[step.by], step.move, [this.#role, protocol.address("stranger")]);
    const batch = BigInt(this.#batches.length + step.ahead);
    return receipts.send(wallets[step.who], "anchor", [batch, rootOf(step.digests), step.digests.length]);
  }

  note(step: ReceiptStep): void {
    if (step.move === "anchor") this.#batches.push({ root: rootOf(step.digests), digests: step.digests });
    else this.#mayStranger = step.move === "grantRole";
  }

  async check(): Promise<void> {
    const { receipts } = protocol;
    expect(await receipts.readBigInt("batchCount")).toBe(BigInt(this.#batches.length));
    const next = receipts.read("batchOf", [BigInt(this.#batches.length + 1)]);
    expect(await outcomeOf(next)).toBe("BatchUnknown");
    for (const index of firstAndLast(this.#batches)) {
      const { root, digests } = this.#batches[index] as Batch;
      const said = (await receipts.read("batchOf", [BigInt(index + 1)])) as Record<string, unknown>;
      expect(said["root"]).toBe(root);
      expect(said["receiptCount"]).toBe(BigInt(digests.length));
    }
    await this.#checkNewest();
  }

  /** A receipt of the newest batch is in that one and not in the one before. */
  async #checkNewest(): Promise<void> {
    const { digests } = this.#batches.at(-1) ?? { digests: [] };
    const [digest] = digests;
    if (digest === undefined) return;
    const { siblings } = receiptTree(digests).proofOf(digest);
    const isIn = (batch: number) =>
      protocol.receipts.read("isIncluded", [BigInt(batch), digest, [...siblings]]);
    expect(await isIn(this.#batches.length)).toBe(true);
    if (this.#batches.length > 1) expect(await isIn(this.#batches.length - 1)).toBe(false);
  }
}

function rootOf(digests: readonly string[]): string {
  return digests.length === 0 ? ZeroHash : receiptTree(digests).root;
}

it(
  "ReceiptRegistry changes no batch, skips none, and takes them from whom the admin names",
  TEST,
  async () => {
    await expectToHold(receiptStep, new BatchModel(await protocol.receipts.read("ANCHOR_ROLE")), [
      "done",
      "AccessControlUnauthorizedAccount",
      "BatchEmpty",
      "BatchOutOfOrder",
    ]);
  },
);
