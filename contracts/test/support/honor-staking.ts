import { blsPublicKey, blsSign, provePossession } from "@aios/core-finality/bls-signatures";
import { encodePublicKeyForEvm, encodeSignatureForEvm } from "@aios/core-finality/eip2537-encoding";
import { ContractFactory, concat, getBytes, hexlify, toBeHex, zeroPadValue } from "ethers";
import { abi as stakingAbi } from "../../generated/abi/honor-staking.js";
import { bytecode as stakingCode } from "../../generated/bytecode/honor-staking.js";
import { type Sent, TestContract, type TestWallet } from "./calls.js";
import type { TestProtocol } from "./protocol.js";

const CHAIN_ID = 26_070;
const CHAIN_DIGEST = `0x${"c4".repeat(32)}`;
/** What nodes of the test chain sign. */
export const CHAIN_NAME = `aios:${CHAIN_ID}:${CHAIN_DIGEST.slice(2)}`;
/** Deposits of the tests; a transaction costs far less than one. */
export const UNIT = 10n ** 13n;
export const DAY_SECONDS = 86_400;
export const STAKING_PARAMETERS = {
  minimumDepositWei: 10_000n * UNIT,
  unbondDelaySeconds: 3_000n,
  reporterRewardBps: 500n,
  breakerBps: 3_333n,
  settleDelaySeconds: 86_400n,
};

/** A node's voting key. */
export class VotingKey {
  readonly #secret: Uint8Array;

  constructor(number: number) {
    this.#secret = new Uint8Array(32).fill(number);
  }

  /** Compressed, as in the honor set. */
  get compressed(): string {
    return hexlify(blsPublicKey(this.#secret));
  }

  /** As contracts take it. */
  get encoded(): string {
    return hexlify(encodePublicKeyForEvm(blsPublicKey(this.#secret)));
  }

  /** For an account at a contract. */
  possession(account: string, contract: string): string {
    const context = getBytes(concat([account, toBeHex(CHAIN_ID, 32), contract]));
    return hexlify(encodeSignatureForEvm(provePossession(this.#secret, context)));
  }

  sign(bytes: Uint8Array): string {
    return hexlify(encodeSignatureForEvm(blsSign(this.#secret, bytes)));
  }
}

/** Stands for a node key's signature, which the contract keeps and does not check. */
export const NODE_KEY_SIGNATURE = [`0x${"51".repeat(32)}`, `0x${"52".repeat(32)}`];

/** What a node of an account calls itself among peers. */
export function nodeKeyOf({ address }: TestWallet): string {
  return zeroPadValue(address, 32);
}

/** `HonorStaking` on a chain, its roles held by the deployer, and what its callers send. */
export class TestStaking {
  private constructor(
    readonly contract: TestContract,
    readonly protocol: TestProtocol,
  ) {}

  static async deploy(protocol: TestProtocol): Promise<TestStaking> {
    const admin = protocol.wallets.deployer;
    const factory = new ContractFactory(stakingAbi, stakingCode, admin);
    const deployed = await factory.deploy(
      protocol.treasury,
      admin.address,
      CHAIN_DIGEST,
      STAKING_PARAMETERS,
      { gasLimit: 8_000_000n },
    );
    await deployed.waitForDeployment();
    const contract = new TestContract(await deployed.getAddress(), stakingAbi, admin);
    for (const role of ["REPORTER_ROLE", "GUARDIAN_ROLE", "LEVEL_ROLE"])
      await contract.send(admin, "grantRole", [await contract.read(role), admin.address]);
    return new TestStaking(contract, protocol);
  }

  register(
    wallet: TestWallet,
    key: VotingKey,
    depositWei: bigint,
    nodeKey = nodeKeyOf(wallet),
  ): Promise<Sent> {
    const args = [
      key.encoded,
      this.possession(wallet, key),
      nodeKey,
      NODE_KEY_SIGNATURE,
      "node.example:26656",
    ];
    return this.contract.send(wallet, "register", args, depositWei);
  }

  possession(wallet: TestWallet, key: VotingKey): string {
    return key.possession(wallet.address, this.contract.address);
  }

  rotateKey(wallet: TestWallet, key: VotingKey): Promise<Sent> {
    return this.contract.send(wallet, "rotateKey", [key.encoded, this.possession(wallet, key)]);
  }

  deposit(wallet: TestWallet, depositWei: bigint): Promise<Sent> {
    return this.contract.send(wallet, "deposit", [], depositWei);
  }

  /** Coins of an account. */
  held(account: string): Promise<bigint> {
    return this.protocol.chain.provider.getBalance(account);
  }

  asAdmin(method: string, ...args: unknown[]): Promise<Sent> {
    return this.contract.send(this.protocol.wallets.deployer, method, args);
  }

  async depositOf(account: string): Promise<bigint> {
    const { depositWei } = (await this.contract.read("nodeOf", [account])) as { depositWei: bigint };
    return depositWei;
  }

  async isEligible(account: string): Promise<boolean> {
    return Boolean(await this.contract.read("isEligible", [account]));
  }

  /** Day number of the chain's time. */
  async today(): Promise<number> {
    return Math.floor((await this.protocol.chain.now()) / DAY_SECONDS);
  }
}
