import { addressOf, bigintToBytes, bytes32Of, fromHex } from "@aios/core-rlp/hex";
import { EMPTY_CODE_HASH } from "@aios/core-trie/empty-hashes";
import type { Address } from "@aios/kernel/identifiers";
import { address, bytes32 } from "@aios/kernel/identifiers";
import {
  createAccessList2930Tx,
  createBlob4844Tx,
  createEOACode7702Tx,
  createFeeMarket1559Tx,
  createLegacyTx,
  type TypedTransaction,
} from "@ethereumjs/tx";
import { type EOACode7702AuthorizationListBytesItem, Address as EvmAddress } from "@ethereumjs/util";
import { type RunTxResult, runTx } from "@ethereumjs/vm";
import { lesser } from "../../domain/bigint.js";
import type { MessageOptions, MessageResult } from "../../domain/block-session.js";
import { isDelegation } from "../../domain/delegation.js";
import { intrinsicGasTooLow } from "../../domain/errors.js";
import { contextOfMessage, requireInitCodeSize, requirePayable } from "../../domain/message-funds.js";
import type { BlockContext, CallRequest } from "../../domain/ports.js";
import type { EngineLane } from "./engine-lane.js";
import { faultName } from "./fault-name.js";
import { TraceBridge } from "./trace-bridge.js";
import { authoritiesOf } from "./typed-transaction.js";

const ANY_GAS = 100_000n;
/** EIP-3529. */
const MAX_REFUND_QUOTIENT = 5n;

function evmAddress(value: Address): EvmAddress {
  return new EvmAddress(fromHex(value));
}

/** Without a fee market a message has one price; access lists came with Berlin, and a chain's id only in signatures. */
function unsignedBeforeLondon(
  { maxFeePerGas, maxPriorityFeePerGas: _tip, ...fields }: Parameters<typeof createFeeMarket1559Tx>[0],
  options: NonNullable<Parameters<typeof createFeeMarket1559Tx>[1]>,
): TypedTransaction {
  const { chainId: _chainId, accessList: _list, ...plain } = fields;
  const price = { gasPrice: maxFeePerGas ?? 0n };
  return options.common?.isActivatedEIP(2930) === true
    ? createAccessList2930Tx({ ...fields, ...price }, options)
    : createLegacyTx({ ...plain, ...price }, options);
}

function unsigned(lane: EngineLane, chainId: number, request: CallRequest): TypedTransaction {
  const fields = {
    chainId,
    // Not looked at: the library counts on from the account.
    nonce: 0n,
    // Set afterwards: the cap of EIP-7825 is for signed transactions.
    gasLimit: ANY_GAS,
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
  const transaction = !lane.vm.common.isActivatedEIP(1559)
    ? unsignedBeforeLondon(fields, options)
    : request.blobVersionedHashes !== undefined && request.blobVersionedHashes.length > 0
      ? createBlob4844Tx(
          {
            ...fields,
            maxFeePerBlobGas: request.maxFeePerBlobGas ?? 0n,
            blobVersionedHashes: request.blobVersionedHashes.map((hash) => fromHex(hash)),
          },
          options,
        )
      : request.authorizationList.length === 0
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
  Object.assign(transaction, { gasLimit: request.gasLimit });
  transaction.getSenderAddress = () => evmAddress(request.from);
  return transaction;
}

/** What the library says of a transaction that ran. */
export function messageResult(result: RunTxResult, intrinsicGas: bigint): MessageResult {
  const before = result.execResult.executionGasUsed + intrinsicGas;
  return {
    output: result.execResult.returnValue,
    error: faultName(result.execResult.exceptionError),
    gasUsed: result.totalGasSpent,
    maxGasUsed: before > result.totalGasSpent ? before : result.totalGasSpent,
    // The library names the counter, before its cap.
    gasRefund: lesser(result.gasRefund, before / MAX_REFUND_QUOTIENT),
    logs: result.receipt.logs.map(([owner, topics, data]) => ({
      address: addressOf(owner),
      topics: topics.map(bytes32Of),
      data,
    })),
    created: result.createdAddress === undefined ? undefined : addressOf(result.createdAddress.bytes),
    accessList: (result.accessList ?? []).map((entry) => ({
      address: address(entry.address),
      storageKeys: entry.storageKeys.map((key) => bytes32(key)),
    })),
  };
}

/**
 * Runs a message as a transaction would, without signature and nonce. A sender with code is fine, as nodes have it for
 * `eth_call`.
 */
export async function runMessage(
  lane: EngineLane,
  chainId: number,
  context: BlockContext,
  request: CallRequest,
  options: MessageOptions,
): Promise<MessageResult> {
  const sender = lane.state.accountState(request.from);
  const seen = contextOfMessage(context, request, options);
  requirePayable(request, sender?.balance ?? 0n, seen);
  requireInitCodeSize(request);
  const block = lane.block(seen);
  const transaction = unsigned(lane, chainId, request);
  const minimum = transaction.getMinimumGasLimit();
  if (request.gasLimit < minimum) throw intrinsicGasTooLow(request.gasLimit, minimum);
  if (sender !== undefined && sender.codeHash !== EMPTY_CODE_HASH && !isDelegation(lane.state.codeOf(sender)))
    lane.state.admitSender(request.from);
  options.tracer?.begin?.(
    {
      ...request,
      input: request.data,
      gas: request.gasLimit,
      feeRecipient: context.feeRecipient,
      authorities: authoritiesOf(transaction),
      logsBefore: 0,
      destroysOnlyNew: lane.vm.common.isActivatedEIP(6780),
    },
    lane.state.view,
  );
  using _bridge = options.tracer === undefined ? undefined : new TraceBridge(lane, options.tracer);
  const result = await runTx(lane.vm, {
    tx: transaction,
    block,
    skipNonce: true,
    skipHardForkValidation: true,
    skipBlockGasLimitValidation: true,
    reportAccessList: options.reportsAccessList ?? false,
  });
  return messageResult(result, transaction.getIntrinsicGas());
}
