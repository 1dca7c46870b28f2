import { randomInt } from "node:crypto";
import { CodeCache } from "@aios/core-evm/code";
import { FramePool } from "@aios/core-evm/context";
import type { RecoverAddress } from "@aios/core-evm/precompiles/ecrecover";
import type { Rules } from "@aios/core-evm/rules";
import { keccak256 } from "@aios/core-keccak/keccak";
import type { RecoverPublicKey } from "@aios/core-transactions/sender";
import type { BlockSession, SessionOpener } from "../../domain/block-session.js";
import type { BlockContext, BlockStore, StateReference, StateStore } from "../../domain/ports.js";
import { withReference } from "../../domain/with-state.js";
import { EvmSession, type Machine } from "./evm-session.js";

const SEED_RANGE = 2 ** 31;

/** Recovery for the engine's precompiled contract, by whatever recovers senders. */
export function recoverAddressBy(recover: RecoverPublicKey): RecoverAddress {
  return (hash, signature, yParity) => {
    const key = recover(hash, signature, yParity);
    return key === undefined ? undefined : keccak256(key).subarray(12);
  };
}

/** Execution by our own engine. Sessions may be open side by side. */
export class EvmSessions implements SessionOpener {
  readonly #machine: Machine;

  constructor(
    private readonly states: Pick<StateStore, "snapshot">,
    blocks: Pick<BlockStore, "header">,
    /** The rules of a block: the same object for the same rules. */
    private readonly rulesAt: (context: BlockContext) => Rules,
    recover: RecoverPublicKey,
  ) {
    this.#machine = {
      frames: new FramePool(),
      codes: new CodeCache(),
      recover,
      hashSeed: randomInt(SEED_RANGE),
      blockHash: (number) => blocks.header(number)?.hash,
    };
  }

  async open<T>(
    reference: StateReference,
    context: BlockContext,
    use: (session: BlockSession) => Promise<T>,
  ): Promise<T> {
    return await withReference(this.states, reference, (view) =>
      use(new EvmSession(this.#machine, this.rulesAt(context), context, view, reference.overlays)),
    );
  }
}
