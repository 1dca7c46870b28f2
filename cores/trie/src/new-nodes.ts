import { aligned, type Slab } from "./slab.js";
import { HASH_BYTES, hasPlace, PLACE_BYTES, referenceFrom } from "./trie-node.js";

/** A node to be stored. */
export interface NewNode {
  /** Its keccak256 hash, and its place behind it where it is to be stored by that. */
  readonly reference: Uint8Array;
  /** Its RLP, with the places of its children behind it where they have some. */
  readonly bytes: Uint8Array;
}

/** Where encoded nodes go, each after those that it leads to. Behind each is its hash, and its place where it has one. */
export interface EncodedNodes {
  push(slab: Slab, at: number, end: number): void;
}

/** The nodes that a commit has made, in the slabs in which they were encoded: those that others lead to come before them. */
export class NewNodes implements EncodedNodes, Iterable<NewNode> {
  readonly #slabs: Slab[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  get length(): number {
    return this.#slabs.length;
  }

  push(slab: Slab, at: number, end: number): void {
    this.#slabs.push(slab);
    this.#starts.push(at);
    this.#ends.push(end);
  }

  /** A view. */
  bytes(index: number): Uint8Array {
    return this.#slab(index).bytes.subarray(this.#starts[index], this.#ends[index]);
  }

  /** A copy. */
  reference(index: number): Uint8Array {
    const at = this.#referenceAt(index);
    return referenceFrom(this.#slab(index).bytes, at, at + HASH_BYTES);
  }

  /** Whether a node is to be stored by its place. */
  isPlaced(index: number): boolean {
    return hasPlace(this.#slab(index).bytes, this.#referenceAt(index) + HASH_BYTES);
  }

  /** The place of a node that has one: a view. */
  place(index: number): Uint8Array {
    const at = this.#referenceAt(index) + HASH_BYTES;
    return this.#slab(index).bytes.subarray(at, at + PLACE_BYTES);
  }

  *[Symbol.iterator](): Generator<NewNode> {
    for (let index = 0; index < this.length; index++)
      yield { reference: this.reference(index), bytes: this.bytes(index) };
  }

  #referenceAt(index: number): number {
    return aligned(this.#ends[index] as number);
  }

  #slab(index: number): Slab {
    const slab = this.#slabs[index];
    if (slab === undefined) throw new RangeError(`there is no new node ${index}`);
    return slab;
  }
}
