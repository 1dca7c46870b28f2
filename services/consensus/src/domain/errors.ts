import { CodedError, type CodedErrorInit } from "@aios/kernel/coded-error";
import type { Bytes32 } from "@aios/kernel/identifiers";

type Make = Omit<CodedErrorInit, "code" | "kind" | "message">;

function error(code: string, kind: CodedErrorInit["kind"], message: string, rest: Make = {}): CodedError {
  return new CodedError({ code, kind, message, ...rest });
}

/** EIP-4444; its code on JSON-RPC is 4444. */
export const historyPruned = (oldest: number): CodedError =>
  error(
    "history-pruned",
    "gone",
    `pruned history unavailable: this node keeps blocks from ${oldest} on; ask an archive`,
    { details: { rpcCode: 4_444, oldest } },
  );
export const diskFull = (cause: unknown): CodedError =>
  error(
    "disk-full",
    "unavailable",
    "the node's disk is full: nothing was written. Free some space; it goes on by itself",
    { cause },
  );

// Messages of admission errors follow Geth's wording: wallets and libraries recognise them by text.
export const nonceTooLow = (expected: bigint, actual: bigint): CodedError =>
  error("nonce-too-low", "conflict", `nonce too low: next nonce ${expected}, tx nonce ${actual}`);
export const nonceTooHigh = (limit: bigint, actual: bigint): CodedError =>
  error(
    "nonce-too-high",
    "invalid",
    `nonce too high: tx nonce ${actual} is beyond ${limit}, the furthest that is kept`,
  );
export const replacementUnderpriced = (bumpPercent: number): CodedError =>
  error(
    "replacement-underpriced",
    "conflict",
    `replacement transaction underpriced: raise both fees by ${bumpPercent}%`,
  );
export const underpriced = (message: string): CodedError =>
  error("underpriced", "invalid", `transaction underpriced: ${message}`);
export const alreadyKnown = (hash: Bytes32): CodedError =>
  error("already-known", "conflict", `already known: ${hash}`);
export const insufficientFunds = (have: bigint, want: bigint): CodedError =>
  error(
    "insufficient-funds",
    "payment-required",
    `insufficient funds for gas * price + value: have ${have} want ${want}`,
  );
export const wrongChainId = (expected: number, actual: bigint): CodedError =>
  error("wrong-chain-id", "invalid", `invalid chain id for signer: have ${actual} want ${expected}`);
export const notReplayProtected = (): CodedError =>
  error("not-replay-protected", "invalid", "only replay-protected (EIP-155) transactions allowed over RPC");
export const invalidSignature = (): CodedError =>
  error("invalid-signature", "invalid", "invalid sender: the signature is not valid");
export const malformedTransaction = (why: string): CodedError =>
  error("malformed-transaction", "invalid", `rlp: ${why}`);
export const transactionTypeNotAdmitted = (type: number): CodedError =>
  error("transaction-type-not-admitted", "invalid", `transaction type not supported: ${type}`);
export const sealedTransactionNotAdmitted = (): CodedError =>
  error(
    "sealed-transaction-not-admitted",
    "invalid",
    "transaction type not supported: this network opens no sealed transactions; send it open",
  );
export const oversized = (sizeBytes: number, limitBytes: number): CodedError =>
  error(
    "oversized-transaction",
    "too-large",
    `oversized data: transaction size ${sizeBytes}, limit ${limitBytes}`,
  );
export const gasLimitExceeded = (limit: bigint): CodedError =>
  error("gas-limit-exceeded", "invalid", `exceeds block gas limit: a transaction may use at most ${limit}`);
export const intrinsicGasTooLow = (have: bigint, want: bigint): CodedError =>
  error("intrinsic-gas-too-low", "invalid", `intrinsic gas too low: have ${have}, want ${want}`);
export const tipAboveFeeCap = (): CodedError =>
  error("tip-above-fee-cap", "invalid", "max priority fee per gas higher than max fee per gas");
export const senderNotExternallyOwned = (): CodedError =>
  error(
    "sender-not-externally-owned",
    "invalid",
    "sender not an eoa: the account has contract code (EIP-3607)",
  );
export const senderLimitReached = (limit: number): CodedError =>
  error(
    "sender-limit-reached",
    "rate-limited",
    `account limit exceeded: ${limit} transactions of this sender wait already`,
  );
export const mempoolFull = (): CodedError =>
  error("mempool-full", "unavailable", "txpool is full: send again, or with a higher fee", {
    retryAfterMs: 1_000,
  });
export const stateUnavailable = (root: Bytes32): CodedError =>
  error("state-unavailable", "not-found", `the state ${root} is not kept by this node`);
export const callTimedOut = (limitMs: number): CodedError =>
  error("call-timed-out", "timeout", `execution aborted (timeout = ${limitMs} ms)`);
export const engineBusy = (): CodedError =>
  error("engine-busy", "unavailable", "too many calls are running: try again", { retryAfterMs: 500 });
export const recoveryBusy = (): CodedError =>
  error("recovery-busy", "unavailable", "too many transactions arrive at once: send again", {
    retryAfterMs: 500,
  });
export const nodeBusy = (): CodedError =>
  error("node-busy", "unavailable", "the node has too many questions to answer: try again", {
    retryAfterMs: 500,
  });
export const nodeSlow = (limitMs: number): CodedError =>
  error("node-timeout", "timeout", `the node did not answer within ${limitMs} ms`);
export const notTheNextBlock = (expected: number, actual: number): CodedError =>
  error("not-the-next-block", "internal", `block ${actual} was offered where ${expected} is next`);
export const corruptStore = (what: string): CodedError =>
  error("corrupt-store", "internal", `the chain database is damaged: ${what}`);
export const chainFormatUnknown = (stored: number, known: number): CodedError =>
  error(
    "chain-format-unknown",
    "conflict",
    `A later release wrote this data directory (format ${stored}; this one knows up to ${known}). Start that release, or use another data directory.`,
  );
export const genesisMismatch = (stored: string, configured: string): CodedError =>
  error(
    "genesis-mismatch",
    "conflict",
    `The data directory belongs to another chain: its genesis is ${stored}, the genesis file gives ${configured}. ` +
      "Use the genesis file it was made with, or another data directory.",
  );
export const invalidGenesis = (field: string, why: string): CodedError =>
  error("invalid-genesis", "invalid", `The genesis file is not valid: ${field} ${why}.`, { field });
export const nodeStopping = (): CodedError =>
  error("node-stopping", "unavailable", "the node is stopping: send again", { retryAfterMs: 2_000 });
export const REFUSED_BY_ENGINE = "refused-by-engine";
/** A signed transaction that the rules of the fork leave out, for a reason that admission does not look at. */
export const refusedByEngine = (reason: string, cause?: unknown): CodedError =>
  error(REFUSED_BY_ENGINE, "unprocessable", reason, { cause });
export const initCodeTooLarge = (sizeBytes: number, limitBytes: number): CodedError =>
  error(
    "init-code-too-large",
    "invalid",
    `max initcode size exceeded: code size ${sizeBytes}, limit ${limitBytes}`,
  );
