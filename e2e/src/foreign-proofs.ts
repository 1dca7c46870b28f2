import { STATEMENT_VERSION } from "@aios/core-zkml/statement";
import { address } from "@aios/kernel/identifiers";
import type { AccountName } from "@aios/launcher/identities";
import type { PreparedJobResponse } from "@aios/sdk/api-types";
import type { AiosClient } from "@aios/sdk/client";
import { toHex } from "@aios/sdk/hex";
import { until } from "@aios/sdk/until";
import { escrowInterface, readChainEvidence } from "@aios/sdk/verification/chain-evidence";
import { messageTypes } from "@aios/sdk/wallet";
import { proveAsCompute } from "@aios/testkit/prover-caller";
import {
  Contract,
  getBytes,
  hexlify,
  type JsonRpcProvider,
  TypedDataEncoder,
  toBeHex,
  toBigInt,
  Wallet,
} from "ethers";
import { gatewayRpc } from "./gateway-rpc.js";
import type { LocalPlatform } from "./local-platform.js";

/** Order of BN254's base field. */
const FIELD_ORDER = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const WORD_BYTES = 32;
/** In the evidence `abi.encode(bytes verifyingKey, bytes proof)` of four points in the key's `ic`. */
const PROOF_OFFSET = 0x340;
/** Words of the proof that hold y coordinates: A's, and both halves of B's. */
const NEGATED_WORDS = [1, 4, 5];

/** What the escrow said to a settlement that somebody tried. */
export interface Attempt {
  /** The decoded error: its name and, where it has one, its reason. */
  readonly error: string;
  /** Of the transaction that was mined all the same. */
  readonly succeeded: boolean;
}

/** Somebody with a little gas who sends settlements to the escrow, signed in at the gateway's JSON-RPC. */
export class SettlementSender {
  readonly #client: AiosClient;
  readonly #provider: JsonRpcProvider;
  readonly #escrow: Contract;

  private constructor(client: AiosClient, provider: JsonRpcProvider, escrow: string, privateKey: string) {
    this.#client = client;
    this.#provider = provider;
    this.#escrow = new Contract(escrow, escrowInterface, new Wallet(privateKey, provider));
  }

  static async start(local: LocalPlatform, account: AccountName): Promise<SettlementSender> {
    const client = local.client(account);
    const [{ contracts }, provider] = await Promise.all([client.protocol(), gatewayRpc(local.url, client)]);
    return new SettlementSender(
      client,
      provider,
      contracts["JobEscrow"] as string,
      local.platform.privateKey(account),
    );
  }

  /** Tries the settlement, and then has it mined whatever the trial said. */
  async settle(jobId: string, evidence: string): Promise<Attempt> {
    const settle = this.#escrow.getFunction("settle");
    const error = await settle.staticCall(jobId, evidence).then(
      () => "none",
      (refusal: unknown) => revertOf(refusal),
    );
    const sent = await settle.send(jobId, evidence, { gasLimit: 1_500_000 });
    const receipt = await until(
      () => this.#client.rpc.receipt(sent.hash),
      (found) => found !== null,
    );
    return { error, succeeded: receipt?.status === "0x1" };
  }

  /** What the job's verifier says of the evidence: 2 is final. */
  async outcomeOf(jobId: string, verifier: string, evidence: string): Promise<number> {
    const claim = await this.#escrow.getFunction("claimOf").staticCall(jobId);
    const contract = new Contract(verifier, [VERIFY], this.#provider);
    const [outcome] = await contract.getFunction("verify").staticCall([...claim], evidence);
    return Number(outcome);
  }

  async stateOf(jobId: string): Promise<number> {
    return Number(await this.#escrow.getFunction("stateOf").staticCall(jobId));
  }

  close(): void {
    this.#provider.destroy();
  }
}

const VERIFY =
  "function verify((address escrow, bytes32 jobId, address requester, address provider, uint256 modelId, uint256 inputCommitment, uint256 output, bytes32 outputHash, uint64 deliveredAt) claim, bytes evidence) view returns ((uint8 outcome, uint64 pendingUntil, bytes32 reason))";

/** The evidence with which a job was settled, from the settling transaction. */
export async function settlingEvidence(reader: AiosClient, jobId: string): Promise<string> {
  const { contracts } = await reader.protocol();
  const { settlement } = await readChainEvidence(reader.rpc, contracts["JobEscrow"] as string, jobId);
  if (settlement?.evidence === undefined) throw new TypeError(`${jobId} was not settled by a proof`);
  return settlement.evidence;
}

/**
 * Another proof of the same statement, made from a proof without knowing anything: (−A, −B, C), since
 * e(−A, −B) = e(A, B). Scaling A by any r and B by 1/r does the same.
 */
export function rerandomised(evidence: string): string {
  const bytes = getBytes(evidence);
  for (const word of NEGATED_WORDS) {
    const at = PROOF_OFFSET + word * WORD_BYTES;
    const y = toBigInt(bytes.slice(at, at + WORD_BYTES));
    bytes.set(getBytes(toBeHex((FIELD_ORDER - y) % FIELD_ORDER, WORD_BYTES)), at);
  }
  return hexlify(bytes);
}

/** `ResultInvalid proof-rejected`, `TransitionNotAllowed`. */
function revertOf(refusal: unknown): string {
  const { revert } = refusal as { revert?: { name: string; args: { toObject(): Record<string, unknown> } } };
  if (revert === undefined || revert === null) throw refusal;
  const { reason } = revert.args.toObject();
  return reason === undefined ? revert.name : `${revert.name} ${textOf(String(reason))}`;
}

/** Short ASCII text in 32 bytes. */
function textOf(word: string): string {
  return Buffer.from(getBytes(word)).toString("latin1").replace(/\0+$/, "");
}

/**
 * A proof of a prepared job as it would be on another chain: same order, escrow, buyer, model, key, input and output; only
 * the chain's id differs, and with it the job's, which is the order's digest under that chain. The prover makes it for the
 * compute service of that chain.
 */
export async function provenOnAnotherChain(
  local: LocalPlatform,
  buyer: AiosClient,
  { job, toSign }: PreparedJobResponse,
  output: string,
): Promise<{ readonly chainId: number; readonly jobId: string; readonly evidence: string }> {
  const { platform } = local;
  const order = toSign.find(({ typedData }) => typedData.primaryType === "Order")?.typedData;
  if (order === undefined) throw new TypeError("the prepared job has no order to sign");
  const chainId = Number(order.domain.chainId) + 1;
  const idOn = (chain: number): string =>
    TypedDataEncoder.hash({ ...order.domain, chainId: chain }, messageTypes(order), { ...order.message });
  if (idOn(chainId - 1) !== job.jobId) throw new TypeError("a job's id is not its order's digest any more");
  const jobId = idOn(chainId);
  const [{ contracts }, model] = await Promise.all([buyer.protocol(), buyer.models.get(Number(job.modelId))]);
  const evidence = await proveAsCompute(
    `127.0.0.1:${platform.ports.get("grpc-zk-prover")}`,
    platform.identities.serviceKeyFiles.compute,
    address(job.buyer),
    {
      statement: {
        version: STATEMENT_VERSION,
        chainId,
        escrow: address(contracts["JobEscrow"]),
        jobId,
        requester: address(job.buyer),
        modelCommitment: getBytes(model.modelCommitment),
        verifyingKeyHash: getBytes(model.verifyingKeyHash ?? "0x"),
        inputCommitment: getBytes(job.inputCommitment ?? "0x"),
      },
      modelCid: model.contentCid,
      inputCid: job.inputCid ?? "",
      claimedOutput: getBytes(output),
    },
  );
  return { chainId, jobId, evidence: hexlify(evidence) };
}

/** One proven inference, settled. Returns its job id. */
export async function settledInference(
  buyer: AiosClient,
  modelId: number,
  input: Uint8Array,
  priceCapWei: bigint,
): Promise<string> {
  const inference = { modelId, input: toHex(input) };
  const prepared = await buyer.jobs.prepare({ inference, verification: "proof", priceCapWei });
  await buyer.jobs.place(prepared);
  const job = await buyer.jobs.wait(prepared.job.jobId);
  if (job.state !== "settled") throw new TypeError(`the job ended as ${job.state}: ${job.error?.message}`);
  return job.jobId;
}
