import { toHex } from "@aios/core-rlp/hex";
import type { CallContract } from "../../../application/call-contract.js";
import type { ChainView } from "../../../application/chain-view.js";
import type { BlockSelector } from "../../../domain/block-tag.js";
import type { StateStore } from "../../../domain/ports.js";
import { OverlayState, type StateView } from "../../../domain/state.js";
import type { WaitingTransactions } from "../../../domain/waiting-transactions.js";
import { readState } from "../../../domain/with-state.js";
import { formatProof, formatWord, hexNumber, type RpcValue } from "../format.js";
import type { RpcMethods } from "../method.js";
import {
  addressParam,
  blockSelector,
  callArguments,
  slot,
  stateOverrides,
  storageRequests,
} from "../parameters.js";
import { invalidParams } from "../rpc-error.js";

const MAX_PROOF_SLOTS = 1_024;

/** Accounts, storage, and calls that change nothing. */
export function stateMethods(
  chain: ChainView,
  states: StateStore,
  pool: Pick<WaitingTransactions, "nextNonce">,
  calls: CallContract,
): RpcMethods {
  const read = async (selector: BlockSelector, look: (view: StateView) => RpcValue): Promise<RpcValue> => {
    const { state } = await chain.point(selector);
    return readState(states, state.root, (committed) =>
      look(state.overlays.reduce<StateView>((view, changes) => new OverlayState(view, changes), committed)),
    );
  };
  return {
    eth_getBalance: ([owner, block]) => {
      const account = addressParam(owner, "address");
      return read(blockSelector(block, "block"), (view) => hexNumber(view.account(account)?.balance ?? 0n));
    },
    eth_getTransactionCount: async ([owner, block]) => {
      const account = addressParam(owner, "address");
      const selector = blockSelector(block, "block");
      if (selector.kind === "tag" && selector.tag === "pending") {
        return hexNumber(await pool.nextNonce(account));
      }
      return await read(selector, (view) => hexNumber(view.account(account)?.nonce ?? 0n));
    },
    eth_getCode: ([owner, block]) => {
      const address = addressParam(owner, "address");
      return read(blockSelector(block, "block"), (view) => {
        const account = view.account(address);
        return account === undefined ? "0x" : toHex(view.code(account.codeHash));
      });
    },
    eth_getStorageAt: ([owner, key, block]) => {
      const account = addressParam(owner, "address");
      const wanted = slot(key, "position");
      return read(blockSelector(block, "block"), (view) => formatWord(view.storage(account, wanted)));
    },
    eth_getStorageValues: ([requests, block]) => {
      const wanted = storageRequests(requests);
      return read(blockSelector(block, "block"), (view) =>
        Object.fromEntries(
          wanted.map(([account, slots]) => [
            account,
            slots.map((key) => formatWord(view.storage(account, key))),
          ]),
        ),
      );
    },
    eth_getProof: async ([owner, keys, block]) => {
      const account = addressParam(owner, "address");
      if (!Array.isArray(keys) || keys.length > MAX_PROOF_SLOTS) {
        throw invalidParams(`storageKeys must be a list of at most ${MAX_PROOF_SLOTS} entries`);
      }
      const slots = keys.map((key, index) => slot(key, `storageKeys.${index}`));
      const { state } = await chain.point(blockSelector(block, "block"));
      if (state.overlays.length > 0) throw invalidParams("the pending state has no proof");
      return formatProof(account, keys.map(String), states.proof(state.root, account, slots));
    },
    eth_call: async ([transaction, block, overrides]) =>
      toHex(
        await calls.call(
          callArguments(transaction),
          blockSelector(block, "block"),
          stateOverrides(overrides),
        ),
      ),
    eth_estimateGas: async ([transaction, block, overrides]) =>
      hexNumber(
        await calls.estimateGas(
          callArguments(transaction),
          blockSelector(block, "block", "pending"),
          stateOverrides(overrides),
        ),
      ),
    eth_createAccessList: async ([transaction, block]) => {
      const { accessList, outcome } = await calls.accessList(
        callArguments(transaction),
        blockSelector(block, "block", "pending"),
      );
      const list = accessList.map((entry) => ({
        address: entry.address,
        storageKeys: [...entry.storageKeys],
      }));
      const result = { accessList: list, gasUsed: hexNumber(outcome.gasUsed) };
      if (outcome.kind === "success") return result;
      return { ...result, error: outcome.kind === "revert" ? "execution reverted" : outcome.reason };
    },
  };
}
