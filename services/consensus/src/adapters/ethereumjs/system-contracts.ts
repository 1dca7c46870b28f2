import { concat, fromHex, word } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { Block as EvmBlock } from "@ethereumjs/block";
import { Address as EvmAddress } from "@ethereumjs/util";
import type { BlockContext } from "../../domain/ports.js";
import type { EngineLane } from "./engine-lane.js";

const HISTORY_ADDRESS = new EvmAddress(fromHex("0x0000f90827f1c53a10cb7a02335b175320002935"));
const HISTORY_WINDOW = 8_191n;
const BEACON_ROOTS_ADDRESS = new EvmAddress(fromHex("0x000f3df6d732807ef1319fb7b8bb8522d0beac02"));
const BEACON_ROOTS_WINDOW = 8_191n;

/**
 * The state changes that a block makes before its transactions: EIP-2935 keeps the parent's hash, EIP-4788 the parent
 * beacon root. Each applies only where genesis has put the contract's code.
 */
export async function beginBlock(
  { state, vm }: EngineLane,
  context: BlockContext,
  parentHash: Bytes32,
): Promise<void> {
  if (vm.common.isActivatedEIP(2935) && (await state.getCodeSize(HISTORY_ADDRESS)) > 0) {
    await state.putStorage(
      HISTORY_ADDRESS,
      word(BigInt(context.number - 1) % HISTORY_WINDOW),
      fromHex(parentHash),
    );
  }
  if (vm.common.isActivatedEIP(4788) && (await state.getCodeSize(BEACON_ROOTS_ADDRESS)) > 0) {
    const index = BigInt(context.timestamp) % BEACON_ROOTS_WINDOW;
    await state.putStorage(BEACON_ROOTS_ADDRESS, word(index), word(BigInt(context.timestamp)));
    const root = context.parentBeaconBlockRoot;
    await state.putStorage(
      BEACON_ROOTS_ADDRESS,
      word(index + BEACON_ROOTS_WINDOW),
      root === undefined ? new Uint8Array(0) : fromHex(root),
    );
  }
}

const SYSTEM_ADDRESS = new EvmAddress(fromHex("0xfffffffffffffffffffffffffffffffffffffffe"));
const SYSTEM_GAS = 30_000_000n;
/** EIP-7002 (0x01) and EIP-7251 (0x02). */
const REQUEST_QUEUES = [
  { type: 1, address: new EvmAddress(fromHex("0x00000961ef480eb55e80d19ad83579a64c007002")) },
  { type: 2, address: new EvmAddress(fromHex("0x0000bbddc7ce488642fb579f8b00f3a590007251")) },
] as const;

/**
 * The requests that a block makes after its transactions (EIP-7685): what the withdrawal and consolidation contracts
 * have queued, where genesis has put their code. Deposits (EIP-6110) have no contract on the network.
 */
export async function requestsOf(lane: EngineLane, block: EvmBlock): Promise<Uint8Array[]> {
  const requests: Uint8Array[] = [];
  if (!lane.vm.common.isActivatedEIP(7685)) return requests;
  for (const { type, address } of REQUEST_QUEUES) {
    if ((await lane.state.getCodeSize(address)) === 0) continue;
    const { execResult } = await lane.evm.runCall({
      caller: SYSTEM_ADDRESS,
      origin: SYSTEM_ADDRESS,
      to: address,
      gasLimit: SYSTEM_GAS,
      block,
      skipNonceIncrement: true,
    });
    await lane.evm.journal.cleanup();
    // What is decided cannot be refused: of a contract that fails there are no requests.
    if (execResult.exceptionError !== undefined) continue;
    if (execResult.returnValue.length > 0) requests.push(concat(Uint8Array.of(type), execResult.returnValue));
  }
  return requests;
}
