import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, toHex } from "@aios/core-rlp/hex";
import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import { durationMs } from "@aios/kernel/units";
import { askNode } from "./ask-node.js";
import type { TransactionSigner } from "./domain/ports.js";
import {
  type NodeName,
  nodeKeyStatement,
  possessionContext,
  type SeatKey,
  type StakingBinding,
} from "./domain/staking-binding.js";
import {
  type ProvenKey,
  registerCall,
  rotateKeyCall,
  unbondCall,
  withdrawRewardsCall,
} from "./domain/staking-calls.js";

const POLL_MS = 500;
const INCLUDED_WITHIN_MS = 120_000;
/** The proof of possession costs most: two pairings and a hash to the curve. */
const GAS_LIMIT = 1_500_000n;
const TIP = 1n;

interface HonorSetAnswer {
  readonly number: string;
  readonly members: readonly { readonly account: string; readonly publicKey: string }[];
}

/** How it stands while an operator waits for its seat. */
export type ElectionState =
  | { readonly kind: "not-in-set"; readonly set: number }
  | { readonly kind: "no-answer"; readonly message: string };

export interface ElectionWait {
  /** The voting key to wait for; absent: any. */
  readonly publicKey?: Uint8Array;
  readonly withinMs: number;
  /** Called at the first answer and whenever it changes. */
  readonly onChange?: (state: ElectionState) => void;
  readonly signal?: AbortSignal;
}

interface ChainAnswer {
  readonly stakingContract: Address | null;
}

/** What an operator does about its node on chain, through any node's JSON-RPC, signed here. */
export class OperatorClient {
  constructor(
    private readonly url: string,
    private readonly signer: TransactionSigner,
    private readonly clock: Clock,
  ) {}

  /** The operator's account. */
  get address(): Address {
    return this.signer.address;
  }

  /**
   * Deposits and joins the candidates, found by peers at `endpoint` (host:port, or empty). Resolves with the transaction's hash once it is in a block. Throws
   * `no-staking-contract`, `transaction-failed`, `transaction-not-included`, `node-unreachable`, and `node-refused` with what the contract says.
   */
  register(key: SeatKey, node: NodeName, endpoint: string, depositWei: bigint): Promise<Bytes32> {
    return this.#call((binding) => {
      const signature = node.sign(nodeKeyStatement(binding));
      return registerCall(proven(key, binding), { nodeKey: node.nodeKey, signature, endpoint });
    }, depositWei);
  }

  /** Votes with another key from the next hand-over on. As `register`. */
  rotateKey(key: SeatKey): Promise<Bytes32> {
    return this.#call((binding) => rotateKeyCall(proven(key, binding)), 0n);
  }

  /** Leaves the candidates. As `register`. */
  unbond(): Promise<Bytes32> {
    return this.#call(unbondCall, 0n);
  }

  /** Takes what the deposit has earned to the operator's account. As `register`; `node-refused` where there is nothing. */
  withdrawRewards(): Promise<Bytes32> {
    return this.#call(({ account }) => withdrawRewardsCall(account), 0n);
  }

  /**
   * Resolves with the number of the set in which the operator has a seat, with one key or any. A node that does not answer
   * meanwhile is asked again. Throws `not-elected-in-time` once `withinMs` have passed.
   */
  async untilElected({ publicKey, withinMs, onChange, signal }: ElectionWait): Promise<number> {
    const wanted = publicKey === undefined ? undefined : toHex(publicKey);
    let last: string | undefined;
    const told = (state: ElectionState): void => {
      const text = JSON.stringify(state);
      if (text !== last) onChange?.(state);
      last = text;
    };
    const elected = async (): Promise<number | undefined> => {
      const { number, members } = await askNode<HonorSetAnswer>(this.url, "aios_getHonorSet", []);
      const isIn = members.some(
        (member) =>
          member.account === this.signer.address && (wanted === undefined || member.publicKey === wanted),
      );
      if (isIn) return Number(number);
      told({ kind: "not-in-set", set: Number(number) });
      return undefined;
    };
    const set = await this.#until(
      elected,
      withinMs,
      (message) => told({ kind: "no-answer", message }),
      signal,
    );
    if (set !== undefined) return set;
    throw new CodedError({
      code: "not-elected-in-time",
      kind: "timeout",
      message: `The operator ${this.signer.address} has no seat after ${withinMs / 1_000} s. What was registered stays: see with 'aios node status' whether it is elected later.`,
      details: { withinMs },
    });
  }

  async #call(encode: (binding: StakingBinding) => Uint8Array, value: bigint): Promise<Bytes32> {
    const { stakingContract } = await askNode<ChainAnswer>(this.url, "aios_getHonorSet", []);
    if (stakingContract === null)
      throw new CodedError({
        code: "no-staking-contract",
        kind: "unprocessable",
        message: "This chain has no staking contract: its honor set stays as it began.",
      });
    const [chainId, nonce, baseFee] = await Promise.all([
      askNode<string>(this.url, "eth_chainId", []),
      askNode<string>(this.url, "eth_getTransactionCount", [this.signer.address, "pending"]),
      askNode<string>(this.url, "eth_gasPrice", []),
    ]);
    const from = this.signer.address;
    const data = encode({ account: from, chainId: BigInt(chainId), contract: stakingContract });
    const call = { from, to: stakingContract, data: toHex(data), value: `0x${value.toString(16)}` };
    // Says why the contract refuses, before it costs anything.
    await askNode(this.url, "eth_call", [call, "latest"]);
    const raw = this.signer.sign({
      chainId: BigInt(chainId),
      nonce: BigInt(nonce),
      to: stakingContract,
      value,
      gasLimit: GAS_LIMIT,
      data,
      maxFeePerGas: 2n * BigInt(baseFee) + TIP,
      maxPriorityFeePerGas: TIP,
    });
    await askNode(this.url, "eth_sendRawTransaction", [toHex(raw)]);
    return this.#untilIncluded(bytes32Of(keccak256(raw)));
  }

  async #untilIncluded(hash: Bytes32): Promise<Bytes32> {
    const included = (): Promise<{ readonly status: string } | null> =>
      askNode(this.url, "eth_getTransactionReceipt", [hash]);
    const receipt = await this.#until(included, INCLUDED_WITHIN_MS);
    if (receipt?.status === "0x1") return hash;
    if (receipt === undefined)
      throw new CodedError({
        code: "transaction-not-included",
        kind: "timeout",
        message: `The transaction ${hash} was sent, and is in no block after ${INCLUDED_WITHIN_MS / 1_000} s; it may be included later.`,
        details: { transaction: hash },
      });
    throw new CodedError({
      code: "transaction-failed",
      kind: "unprocessable",
      message: `The transaction ${hash} was ordered and failed.`,
      details: { transaction: hash },
    });
  }

  /** Asks until there is an answer, also past times without a node; undefined once the time is over. */
  async #until<T>(
    ask: () => Promise<T | null | undefined>,
    withinMs: number,
    onNoAnswer?: (message: string) => void,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    const deadline = this.clock.now() + withinMs;
    for (;;) {
      try {
        const answer = await ask();
        if (answer !== null && answer !== undefined) return answer;
      } catch (error) {
        if (!isCodedError(error) || error.code !== "node-unreachable") throw error;
        onNoAnswer?.(error.message);
      }
      const left = deadline - this.clock.now();
      if (left <= 0) return undefined;
      await this.clock.wait(durationMs(Math.min(POLL_MS, left)), signal);
    }
  }
}

function proven(key: SeatKey, binding: StakingBinding): ProvenKey {
  return { publicKey: key.publicKey, possession: key.provePossession(possessionContext(binding)) };
}
