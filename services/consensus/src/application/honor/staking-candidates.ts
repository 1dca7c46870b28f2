import type { Address, Bytes32 } from "@aios/kernel/identifiers";
import type { StateStore } from "../../domain/ports.js";
import { type StakedNode, stakedNodes } from "../../domain/staking-state.js";
import { readState } from "../../domain/with-state.js";

/** Who stands for the honor set in a state, read from the staking contract; read anew where its storage has changed. */
export class StakingCandidates {
  #storageRoot: Bytes32 | undefined;
  #candidates: readonly StakedNode[] = [];

  /** `contract`: absent on a chain without one, where nobody stands and the set stays. */
  constructor(
    private readonly states: Pick<StateStore, "snapshot">,
    private readonly contract: Address | undefined,
  ) {}

  /** Throws `state-unavailable`. */
  at(stateRoot: Bytes32): readonly StakedNode[] {
    const { contract } = this;
    if (contract === undefined) return [];
    return readState(this.states, stateRoot, (view) => {
      const storageRoot = view.account(contract)?.storageRoot;
      if (storageRoot !== this.#storageRoot) {
        this.#candidates = stakedNodes(view, contract);
        this.#storageRoot = storageRoot;
      }
      return this.#candidates;
    });
  }
}
