import { bytecode } from "@aios/contracts/bytecode/honor-staking";
import { CodeCache } from "@aios/core-evm/code";
import { FramePool } from "@aios/core-evm/context";
import { rulesOf } from "@aios/core-evm/rules";
import { blsPublicKey, provePossession } from "@aios/core-finality/bls-signatures";
import { concat, fromHex, toHex, word } from "@aios/core-rlp/hex";
import { CodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { EvmSession } from "../adapters/evm/evm-session.js";
import { recoverAddressBy } from "../adapters/evm/evm-sessions.js";
import { recoverPublicKey } from "../adapters/secp256k1/recover-public-key.js";
import { parseGenesis, parseRules } from "../domain/genesis.js";
import { honorDigest } from "../domain/honor-chain.js";
import type { BlockContext } from "../domain/ports.js";
import { possessionContext } from "../domain/staking-binding.js";
import { registerCall } from "../domain/staking-calls.js";
import { CHAIN_DIGEST_SLOT } from "../domain/staking-state.js";
import type { StateChanges, StateView } from "../domain/state.js";

/** Where chains have their staking contract from the start. */
export const STAKING_CONTRACT = "0x00000000000000000000000000000000a105b07d" as Address;

/**
 * Where the stakers' part of the base fee waits on a chain without a staking contract: an account without code whose key nobody
 * has. With the contract, the part goes there from the first block on.
 */
export const STAKERS_RESERVE = "0x00000000000000000000000000000000a1057a4e" as Address;

/** What the contract is made with, and what the first members deposit. */
export interface StakingPlan {
  readonly minimumDepositWei: bigint;
  readonly unbondDelaySeconds: number;
  readonly reporterRewardBps: number;
  readonly breakerBps: number;
  readonly settleDelaySeconds: number;
  /** Receives charges; an account without code. */
  readonly treasury: Address;
  /** Names who reports downtime, declares faults and sets deposit ratios. */
  readonly admin: Address;
}

export const DEFAULT_STAKING = {
  minimumDepositWei: 10_000n * 10n ** 18n,
  /** Longer than any light client trusts a set that it does not see at work (docs/light-client.md). */
  unbondDelaySeconds: 30 * 24 * 3_600,
  reporterRewardBps: 500,
  breakerBps: 3_333,
  settleDelaySeconds: 24 * 3_600,
} as const;

export interface FirstMember {
  readonly account: Address;
  /** Of its seat. */
  readonly secret: Uint8Array;
  /** 64 hex digits. */
  readonly nodeKey: string;
}

type GenesisJson = Readonly<Record<string, unknown>> & {
  readonly alloc: Readonly<Record<string, unknown>>;
  readonly honor: Readonly<Record<string, unknown>>;
};

const DEPLOYER = `0x${"de".repeat(20)}` as Address;
const GAS = 1n << 32n;
const NOTHING = new Uint8Array(0);
const EMPTY: StateView = { account: () => undefined, storage: () => NOTHING, code: () => NOTHING };
/** Replaced by the chain's own once it is known. */
const SOME_DIGEST = `0x${"01".repeat(32)}`;

/**
 * A genesis with the staking contract in it and the members' deposits in the contract. Code and storage are what the
 * contract's own creation and registrations make of them, run here. Returns the genesis as JSON.
 */
export async function withStaking(
  genesis: GenesisJson,
  plan: StakingPlan,
  members: readonly FirstMember[],
): Promise<Record<string, unknown>> {
  const chainId = BigInt(genesis["chainId"] as number);
  const { code, storage } = await runStaking(chainId, plan, members);
  const balanceWei = (plan.minimumDepositWei * BigInt(members.length)).toString();
  const made = (digest: string): Record<string, unknown> => ({
    ...genesis,
    baseFeeSplit: toStakers(genesis),
    alloc: {
      ...genesis.alloc,
      [STAKING_CONTRACT]: {
        name: "honor staking",
        balanceWei,
        nonce: 1,
        code: toHex(code),
        storage: { ...storage, [CHAIN_DIGEST_SLOT]: digest },
      },
    },
    honor: {
      ...genesis.honor,
      minimumStakeWei: plan.minimumDepositWei.toString(),
      stakingContract: STAKING_CONTRACT,
    },
  });
  const parsed = parseGenesis(made(SOME_DIGEST));
  if (parsed.honor === undefined) throw new TypeError("the genesis has no honor part");
  return made(`0x${honorDigest(parsed, parsed.honor)}`);
}

/** What would wait in the reserve goes to the contract. Throws `invalid-genesis`. */
function toStakers(genesis: GenesisJson): Record<string, unknown> {
  const shares = parseRules(genesis).baseFeeShares;
  const recipients = shares.map(({ name, address, shareBps }) => ({
    name,
    address: address === STAKERS_RESERVE ? STAKING_CONTRACT : address,
    shareBps,
  }));
  const burnedBps = shares.reduce((left, { shareBps }) => left - shareBps, 10_000);
  return { burnedBps, recipients };
}

async function runStaking(
  chainId: bigint,
  plan: StakingPlan,
  members: readonly FirstMember[],
): Promise<{ readonly code: Uint8Array; readonly storage: Record<string, string> }> {
  const session = openSession(chainId);
  const contract = await send(session, DEPLOYER, null, concat(fromHex(bytecode), constructorOf(plan)), 0n);
  for (const { account, secret, nodeKey } of members) {
    session.credit(account, plan.minimumDepositWei);
    const possession = provePossession(secret, possessionContext({ account, chainId, contract }));
    const key = { publicKey: blsPublicKey(secret), possession };
    await send(
      session,
      account,
      contract,
      // The first members know each other: nobody looks here for where they are.
      registerCall(key, { nodeKey, signature: new Uint8Array(64), endpoint: "" }),
      plan.minimumDepositWei,
    );
  }
  const changes: StateChanges = session.changes();
  const codeHash = changes.accounts.get(contract)?.codeHash;
  const slots = [...(changes.storage.get(contract) ?? new Map<Bytes32, Uint8Array>())];
  return {
    code: changes.codes.get(codeHash as Bytes32) ?? NOTHING,
    storage: Object.fromEntries(slots.map(([slot, value]) => [slot, toHex(padded(value))])),
  };
}

function openSession(chainId: bigint): EvmSession {
  const rules = rulesOf({
    hardfork: "osaka",
    chainId,
    precompiles: { recoverAddress: recoverAddressBy(recoverPublicKey) },
  });
  const machine = {
    frames: new FramePool(),
    codes: new CodeCache(),
    recover: recoverPublicKey,
    hashSeed: 0,
    blockHash: () => undefined,
  };
  const context: BlockContext = {
    number: 0,
    timestamp: 0,
    gasLimit: GAS,
    baseFeePerGas: 0n,
    feeRecipient: DEPLOYER,
    prevRandao: `0x${"00".repeat(32)}` as Bytes32,
  };
  return new EvmSession(machine, rules, context, EMPTY, []);
}

/** Returns whom it called, or what it made. */
async function send(
  session: EvmSession,
  from: Address,
  to: Address | null,
  data: Uint8Array,
  value: bigint,
): Promise<Address> {
  const fees = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
  const lists = { accessList: [], authorizationList: [] };
  const request = { from, to, data, value, gasLimit: GAS, ...fees, ...lists };
  const { error, created, output } = await session.runMessage(request, { chargesFees: false });
  const target = to ?? created;
  if (error === undefined && target !== undefined) return target;
  throw new CodedError({
    code: "staking-genesis-failed",
    kind: "invalid",
    message: `The staking contract refuses its first members: ${error ?? "no address"} ${toHex(output)}.`,
  });
}

function constructorOf(plan: StakingPlan): Uint8Array {
  const { minimumDepositWei, unbondDelaySeconds, reporterRewardBps, breakerBps, settleDelaySeconds } = plan;
  const words = [
    BigInt(plan.treasury),
    BigInt(plan.admin),
    BigInt(SOME_DIGEST),
    minimumDepositWei,
    BigInt(unbondDelaySeconds),
    BigInt(reporterRewardBps),
    BigInt(breakerBps),
    BigInt(settleDelaySeconds),
  ];
  return concat(...words.map(word));
}

function padded(value: Uint8Array): Uint8Array {
  return concat(new Uint8Array(32 - value.length), value);
}
