import { blsPublicKey, blsSign, provePossession } from "@aios/core-finality/bls-signatures";
import { encodePublicKeyForEvm, encodeSignatureForEvm } from "@aios/core-finality/eip2537-encoding";
import { ContractFactory, hexlify } from "ethers";
import { abi as stakingAbi } from "../../generated/abi/honor-staking.js";
import { bytecode as stakingCode } from "../../generated/bytecode/honor-staking.js";
import { type Sent, TestContract, type TestWallet } from "./calls.js";
import type { TestProtocol } from "./protocol.js";

export const CHAIN_NAME = "aios-test";
export const DAY_SECONDS = 86_400;
export const STAKING_PARAMETERS = {
  minimumDepositWei: 10_000n,
  unbondDelaySeconds: 3_000n,
  reporterRewardBps: 500n,
  breakerBps: 3_333n,
  settleDelaySeconds: 86_400n,
};
const NO_PERMIT = { valueWei: 0n, deadline: 0n, signature: "0x" };
const UNLIMITED = 2n ** 256n - 1n;

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

  get possession(): string {
    return hexlify(encodeSignatureForEvm(provePossession(this.#secret)));
  }

  sign(bytes: Uint8Array): string {
    return hexlify(encodeSignatureForEvm(blsSign(this.#secret, bytes)));
  }
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
      protocol.token.address,
      protocol.treasury,
      admin.address,
      CHAIN_NAME,
      STAKING_PARAMETERS,
      { gasLimit: 8_000_000n },
    );
    await deployed.waitForDeployment();
    const contract = new TestContract(await deployed.getAddress(), stakingAbi, admin);
    for (const role of ["REPORTER_ROLE", "GUARDIAN_ROLE", "LEVEL_ROLE"])
      await contract.send(admin, "grantRole", [await contract.read(role), admin.address]);
    return new TestStaking(contract, protocol);
  }

  async approve(wallet: TestWallet): Promise<void> {
    await this.protocol.token.send(wallet, "approve", [this.contract.address, UNLIMITED]);
  }

  register(wallet: TestWallet, key: VotingKey, depositWei: bigint): Promise<Sent> {
    return this.contract.send(wallet, "register", [key.encoded, key.possession, depositWei, NO_PERMIT]);
  }

  deposit(wallet: TestWallet, depositWei: bigint): Promise<Sent> {
    return this.contract.send(wallet, "deposit", [depositWei, NO_PERMIT]);
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
