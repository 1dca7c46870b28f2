import type { FrameView, Tracer } from "@aios/core-evm/tracer";
import { toAddressBytes, toBytes } from "@aios/core-evm/word";
import { addressOf, bytes32Of } from "@aios/core-rlp/hex";
import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { AccessListEntry } from "../../domain/transaction.js";

const SLOAD = 0x54;
const SSTORE = 0x55;
/** BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH, SELFDESTRUCT: the address is on top. */
const ADDRESS_ON_TOP: ReadonlySet<number> = new Set([0x31, 0x3b, 0x3c, 0x3f, 0xff]);
/** CALL, CALLCODE, DELEGATECALL, STATICCALL: below the gas. */
const CALLS: ReadonlySet<number> = new Set([0xf1, 0xf2, 0xf4, 0xfa]);

/**
 * The access list that a message would have used (EIP-2930), as Geth finds it: what its instructions name, undone calls
 * included, without the addresses that are warm anyway unless slots of theirs are read.
 */
export class AccessListTracer implements Tracer {
  readonly #slots = new Map<Address, Set<Bytes32>>();

  constructor(
    declared: readonly AccessListEntry[],
    private readonly isWarm: (address: Address) => boolean,
  ) {
    for (const { address, storageKeys } of declared) {
      if (!isWarm(address)) this.#entry(address);
      for (const key of storageKeys) this.#entry(address).add(key);
    }
  }

  onStep({ stack, sp, self }: FrameView, opcode: number): void {
    if (sp < 8) return;
    if (opcode === SLOAD || opcode === SSTORE)
      this.#entry(addressOf(self.bytes)).add(bytes32Of(toBytes(stack, sp - 8)));
    else if (ADDRESS_ON_TOP.has(opcode)) this.#address(stack, sp - 8);
    else if (CALLS.has(opcode) && sp >= 40) this.#address(stack, sp - 16);
  }

  accessList(): readonly AccessListEntry[] {
    return [...this.#slots].map(([address, slots]) => ({ address, storageKeys: [...slots] }));
  }

  #address(stack: Int32Array, at: number): void {
    const address = addressOf(toAddressBytes(stack, at));
    if (!this.isWarm(address)) this.#entry(address);
  }

  #entry(address: Address): Set<Bytes32> {
    let slots = this.#slots.get(address);
    if (slots === undefined) {
      slots = new Set();
      this.#slots.set(address, slots);
    }
    return slots;
  }
}
