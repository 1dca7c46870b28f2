import { keccak256 } from "@aios/core-keccak/keccak";
import { bytes32Of, concat, fromHex } from "@aios/core-rlp/hex";
import type { Bytes32 } from "@aios/kernel/identifiers";
import type { Beacon } from "../../domain/ports.js";

const DOMAIN = new TextEncoder().encode("AiOS/prevrandao/1");

/**
 * A hash of the parent's hash: unique for each block and the same everywhere, but known to whoever knows the parent, and
 * chosen by whoever makes it. Not for lotteries.
 */
export class ParentHashBeacon implements Beacon {
  async valueAfter({ hash }: { readonly hash: Bytes32 }, signal?: AbortSignal): Promise<Bytes32> {
    signal?.throwIfAborted();
    return bytes32Of(keccak256(concat(DOMAIN, fromHex(hash))));
  }
}
