import type { Clock } from "@aios/kernel/clock";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { weiAmount } from "@aios/kernel/units";
import type { ChainTransaction, Signer, TransactionRequest } from "../domain/chain-transaction.js";
import { contractsNotDeployed, signerNotAllowed, unknownContract } from "../domain/errors.js";
import type { ContractBook, TransactionStore } from "../domain/ports.js";
import { laneOf, mayUseSigner } from "../domain/signer-policy.js";

const MAX_DATA_BYTES = 128 * 1024;
const MAX_KEY_LENGTH = 200;
const MAX_PURPOSE_LENGTH = 100;
const MAX_SUBJECT_LENGTH = 100;
const ALLOWANCE_WINDOW_MS = 24 * 3_600_000;
/** More than any sponsored call takes, a publication with all its keys included. */
const SPONSORED_CALL_GAS = 1_000_000n;

export interface SubmitTransactionInput {
  readonly caller: string;
  readonly tenant: string;
  readonly idempotencyKey: string;
  readonly signer: Signer;
  readonly contract: string;
  readonly data: Uint8Array;
  readonly valueWei: string;
  readonly purpose: string;
  /** Empty: the tenant. */
  readonly subject: string;
  readonly traceparent: string;
}

/** Checks a request against the policy and queues it, once per caller and key. */
export class SubmitTransactionUseCase {
  constructor(
    private readonly contracts: ContractBook,
    private readonly transactions: TransactionStore,
    private readonly clock: Clock,
    private readonly wake: (signer: Signer) => void,
    /** What the platform pays in a day for calls of one subject that no job's money stands behind. */
    private readonly sponsoredGasPerDay: bigint,
    private readonly onRefused: (functionName: string) => void,
  ) {}

  async execute(input: SubmitTransactionInput): Promise<ChainTransaction> {
    requireText(input.idempotencyKey, MAX_KEY_LENGTH, "idempotencyKey");
    requireText(input.purpose, MAX_PURPOSE_LENGTH, "purpose");
    if (input.data.length < 4 || input.data.length > MAX_DATA_BYTES) {
      throw new CodedError({
        code: "invalid-call-data",
        kind: "invalid",
        message: `data must hold a function selector and be at most ${MAX_DATA_BYTES} bytes.`,
        field: "data",
      });
    }
    if (!this.contracts.loaded) throw contractsNotDeployed();
    const to = this.contracts.addressOf(input.contract);
    if (to === undefined) throw unknownContract(input.contract);
    const functionName = this.contracts.functionOf(input.contract, input.data);
    if (!mayUseSigner(input.caller, input.signer, input.contract, functionName)) {
      const selector = functionName ?? `0x${Buffer.from(input.data.subarray(0, 4)).toString("hex")}`;
      throw signerNotAllowed(input.caller, input.signer, input.contract, selector);
    }
    const valueWei = weiAmount(input.valueWei === "" ? "0" : input.valueWei, "valueWei");
    if (input.subject !== "") requireText(input.subject, MAX_SUBJECT_LENGTH, "subject");
    const lane = laneOf(input.contract, functionName);
    const subject = input.subject === "" ? input.tenant : input.subject;
    const transaction = await this.#enqueue({ ...input, to, valueWei, subject, lane }, functionName ?? "");
    if (transaction.state === "queued") this.wake(transaction.signer);
    return transaction;
  }

  async #enqueue(request: TransactionRequest, functionName: string): Promise<ChainTransaction> {
    const nowMs = this.clock.now();
    if (request.lane === "money") return this.transactions.enqueue(request, nowMs);
    const allowance = {
      gas: this.sponsoredGasPerDay,
      sinceMs: nowMs - ALLOWANCE_WINDOW_MS,
      gasOfRequest: SPONSORED_CALL_GAS,
    };
    try {
      return await this.transactions.enqueue(request, nowMs, allowance);
    } catch (error) {
      if (isCodedError(error) && error.code === "gas-allowance-spent") this.onRefused(functionName);
      throw error;
    }
  }
}

function requireText(value: string, maxLength: number, field: string): void {
  if (value.length > 0 && value.length <= maxLength) return;
  throw new CodedError({
    code: "invalid-text",
    kind: "invalid",
    message: `${field} must have 1 to ${maxLength} characters.`,
    field,
  });
}
