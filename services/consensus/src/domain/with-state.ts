import type { Bytes32 } from "@aios/kernel/identifiers";
import type { StateReference, StateStore } from "./ports.js";
import { OverlayState, type StateView } from "./state.js";

/** Reads one state and gives its snapshot back. Throws `state-unavailable`. */
export function readState<T>(
  states: Pick<StateStore, "snapshot">,
  root: Bytes32,
  read: (view: StateView) => T,
): T {
  const snapshot = states.snapshot(root);
  try {
    return read(snapshot);
  } finally {
    snapshot[Symbol.dispose]();
  }
}

/** As `readState`, for work that waits in between; the state stays the same for all of it. */
export async function withState<T>(
  states: Pick<StateStore, "snapshot">,
  root: Bytes32,
  use: (view: StateView) => Promise<T>,
): Promise<T> {
  const snapshot = states.snapshot(root);
  try {
    return await use(snapshot);
  } finally {
    snapshot[Symbol.dispose]();
  }
}

/** As `withState`, with the uncommitted changes of the reference on top. */
export function withReference<T>(
  states: Pick<StateStore, "snapshot">,
  { root, overlays }: StateReference,
  use: (view: StateView) => Promise<T>,
): Promise<T> {
  return withState(states, root, (committed) =>
    use(overlays.reduce<StateView>((base, changes) => new OverlayState(base, changes), committed)),
  );
}
