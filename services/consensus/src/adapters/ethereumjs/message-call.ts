import { bigintToBytes, fromHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH } from "@aios/core-trie/empty-hashes";
import type { Address } from "@aios/kernel/identifiers";
import { address, bytes32 } from "@aios/kernel/identifiers";
import { EVMError, type ExecResult } from "@ethereumjs/evm";
import { createEOACode7702Tx, createFeeMarket1559Tx, type TypedTransaction } from "@ethereumjs/tx";
import { type EOACode7702AuthorizationListBytesItem, Address as EvmAddress } from "@ethereumjs/util";
import { runTx } from "@ethereumjs/vm";
import { gasLimitExceeded, insufficientFunds, intrinsicGasTooLow, underpriced } from "../../domain/errors.js";
import type { BlockContext, CallOutcome, CallRequest } from "../../domain/ports.js";
import type { AccessListEntry } from "../../domain/transaction.js";
import type { EngineLane } from "./engine-lane.js";

const TRANSACTION_GAS_CAP = 2n ** 24n;

/** EIP-7702: code that points to another account's code. */
export function isDelegation(code: Uint8Array): boolean {
  return code.length === 23 && code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00;
}

function evmAddress(value: Address): EvmAddress {
  return new EvmAddress(fromHex(value));
}

function unsigned(lane: EngineLane, chainId: number, nonce: bigint, request: CallRequest): TypedTransaction {
  const fields = {
    chainId,
    nonce,
    gasLimit: request.gasLimit,
    maxFeePerGas: request.maxFeePerGas,
    maxPriorityFeePerGas: request.maxPriorityFeePerGas,
    value: request.value,
    data: request.data,
    accessList: request.accessList.map((entry) => ({
      address: entry.address as `0x${string}`,
      storageKeys: entry.storageKeys.map((key) => key as string as `0x${string}`),
    })),
    ...(request.to === null ? {} : { to: evmAddress(request.to) }),
  };
  const options = { common: lane.vm.common, freeze: false };
  const transaction =
    request.authorizationList.length === 0
      ? createFeeMarket1559Tx(fields, options)
      : createEOACode7702Tx(
          {
            ...fields,
            authorizationList: request.authorizationList.map(
              (entry): EOACode7702AuthorizationListBytesItem => [
                bigintToBytes(entry.chainId),
                fromHex(entry.address),
                bigintToBytes(entry.nonce),
                bigintToBytes(BigInt(entry.yParity)),
                bigintToBytes(entry.r),
                bigintToBytes(entry.s),
              ],
            ),
          },
          options,
        );
  transaction.getSenderAddress = () => evmAddress(request.from);
  return transaction;
}

function outcomeOf(result: ExecResult, gasUsed: bigint, gasRefund: bigint): CallOutcome {
  const failure = result.exceptionError;
  if (failure === undefined) return { kind: "success", output: result.returnValue, gasUsed, gasRefund };
  if (failure.error === EVMError.errorMessages.REVERT)
    return { kind: "revert", output: result.returnValue, gasUsed };
  return { kind: "halt", reason: failure.error.split(" at ")[0] as string, gasUsed };
}

/**
 * Runs a message as a transaction would, without signature, nonce or state change. A sender that is a contract is
 * called below transaction level, as nodes do for `eth_call`.
 */
export async function runMessage(
  lane: EngineLane,
  chainId: number,
  context: BlockContext,
  request: CallRequest,
  reportAccessList: boolean,
): Promise<{ readonly outcome: CallOutcome; readonly accessList: readonly AccessListEntry[] }> {
  const sender = lane.state.accountState(request.from);
  const balance = sender?.balance ?? 0n;
  const cost = request.value + request.gasLimit * request.maxFeePerGas;
  if (balance < cost) throw insufficientFunds(balance, cost);
  const free = request.maxFeePerGas === 0n;
  if (!free && request.maxFeePerGas < context.baseFeePerGas) {
    throw underpriced(
      `max fee per gas ${request.maxFeePerGas} is less than the block base fee ${context.baseFeePerGas}`,
    );
  }
  const block = lane.block(free ? { ...context, baseFeePerGas: 0n } : context);
  if (
    sender !== undefined &&
    sender.codeHash !== EMPTY_CODE_HASH &&
    !isDelegation(lane.state.codeOf(sender))
  ) {
    const result = await lane.evm.runCall({
      block,
      caller: evmAddress(request.from),
      origin: evmAddress(request.from),
      gasLimit: request.gasLimit,
      gasPrice: request.maxFeePerGas,
      value: request.value,
      data: request.data,
      skipNonceIncrement: true,
      ...(request.to === null ? {} : { to: evmAddress(request.to) }),
    });
    const gasUsed = result.execResult.executionGasUsed;
    return {
      outcome: outcomeOf(result.execResult, gasUsed, result.execResult.gasRefund ?? 0n),
      accessList: [],
    };
  }
  if (lane.vm.common.isActivatedEIP(7825) && request.gasLimit > TRANSACTION_GAS_CAP)
    throw gasLimitExceeded(TRANSACTION_GAS_CAP);
  const transaction = unsigned(lane, chainId, sender?.nonce ?? 0n, request);
  const minimum = transaction.getMinimumGasLimit();
  if (request.gasLimit < minimum) throw intrinsicGasTooLow(request.gasLimit, minimum);
  const result = await runTx(lane.vm, {
    tx: transaction,
    block,
    skipHardForkValidation: true,
    skipBlockGasLimitValidation: true,
    reportAccessList,
  });
  const accessList = (result.accessList ?? []).map((entry) => ({
    address: address(entry.address),
    storageKeys: entry.storageKeys.map((key) => bytes32(key)),
  }));
  return { outcome: outcomeOf(result.execResult, result.totalGasSpent, result.gasRefund), accessList };
}
