import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, toHex } from "@aios/core-rlp/hex";
import type { Clock } from "@aios/kernel/clock";
import { CodedError } from "@aios/kernel/coded-error";
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
import { type ProvenKey, registerCall, rotateKeyCall, unbondCall } from "./domain/staking-calls.js";

const POLL_MS = 500;
/** The proof of possession costs most: two pairings and a hash to the curve. */
const GAS_LIMIT = 1_500_000n;
const TIP = 1n;

interface HonorSetAnswer {
  readonly number: string;
  readonly members: readonly { readonly account: string; readonly publicKey: string }[];
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
   * `no-staking-contract`, `transaction-failed`, `node-unreachable`, and `node-refused` with what the contract says.
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

  /** Resolves with the number of the set in which the operator has a seat, with one key or any. */
  async untilElected(publicKey?: Uint8Array, signal?: AbortSignal): Promise<number> {
    const wanted = publicKey === undefined ? undefined : toHex(publicKey);
    for (;;) {
      const { number, members } = await askNode<HonorSetAnswer>(this.url, "aios_getHonorSet", []);
      const isIn = members.some(
        (member) =>
          member.account === this.signer.address && (wanted === undefined || member.publicKey === wanted),
      );
      if (isIn) return Number(number);
      await this.clock.wait(durationMs(POLL_MS), signal);
    }
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
    for (;;) {
      const receipt = await askNode<{ status: string } | null>(this.url, "eth_getTransactionReceipt", [hash]);
      if (receipt?.status === "0x1") return hash;
      if (receipt !== null)
        throw new CodedError({
          code: "transaction-failed",
          kind: "unprocessable",
          message: `The transaction ${hash} was ordered and failed.`,
        });
      await this.clock.wait(durationMs(POLL_MS));
    }
  }
}

function proven(key: SeatKey, binding: StakingBinding): ProvenKey {
  return { publicKey: key.publicKey, possession: key.provePossession(possessionContext(binding)) };
}
