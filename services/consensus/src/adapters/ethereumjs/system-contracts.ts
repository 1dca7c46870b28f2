import { fromHex, word } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import { Address as EvmAddress } from "@ethereumjs/util";
import type { BlockContext } from "../../domain/ports.js";
import type { EngineState } from "./engine-state.js";

const HISTORY_ADDRESS = new EvmAddress(fromHex("0x0000f90827f1c53a10cb7a02335b175320002935"));
const HISTORY_WINDOW = 8_191n;
const BEACON_ROOTS_ADDRESS = new EvmAddress(fromHex("0x000f3df6d732807ef1319fb7b8bb8522d0beac02"));
const BEACON_ROOTS_WINDOW = 8_191n;

/**
 * The state changes that a block makes before its transactions: EIP-2935 keeps the parent's hash, EIP-4788 the parent
 * beacon root (always zero here). Each applies only where genesis has put the contract's code.
 */
export async function beginBlock(
  state: EngineState,
  context: BlockContext,
  parentHash: Bytes32,
): Promise<void> {
  if ((await state.getCodeSize(HISTORY_ADDRESS)) > 0) {
    await state.putStorage(
      HISTORY_ADDRESS,
      word(BigInt(context.number - 1) % HISTORY_WINDOW),
      fromHex(parentHash),
    );
  }
  if ((await state.getCodeSize(BEACON_ROOTS_ADDRESS)) > 0) {
    const index = BigInt(context.timestamp) % BEACON_ROOTS_WINDOW;
    await state.putStorage(BEACON_ROOTS_ADDRESS, word(index), word(BigInt(context.timestamp)));
    await state.putStorage(BEACON_ROOTS_ADDRESS, word(index + BEACON_ROOTS_WINDOW), new Uint8Array(0));
  }
}
