/** 0x54, 0x55: storage (EIP-2200, EIP-2929, EIP-3529), and 0x5c, 0x5d: transient storage (EIP-1153). */
import { GAS } from "../gas.js";
import { FORK } from "../hardfork.js";
import { SLOT } from "../slot-table.js";
import type { Family, Handler } from "./handler.js";

const load: Handler = (frame, { state }) => {
  const at = frame.sp - 8;
  const slot = state.slot(frame.self, frame.stack, at);
  if (!frame.charge(state.warmSlot(slot) ? GAS.coldSlot : GAS.warm)) return;
  const data = state.slots.data;
  for (let i = 0; i < 8; i++) frame.stack[at + i] = data[slot + SLOT.CURRENT + i];
};

function same(a: Int32Array, at: number, b: Int32Array, bt: number): boolean {
  for (let i = 0; i < 8; i++) if (a[at + i] !== b[bt + i]) return false;
  return true;
}

const ZERO = new Int32Array(8);

/** EIP-2200's table: the price without the cold surcharge, and the change of the refund counter. */
function netGas(
  data: Int32Array,
  slot: number,
  stack: Int32Array,
  value: number,
  clearRefund: number,
): { readonly gas: number; readonly refund: number } {
  const current = slot + SLOT.CURRENT;
  const original = slot + SLOT.ORIGINAL;
  if (same(data, current, stack, value)) return { gas: GAS.warm, refund: 0 };
  const originalIsZero = same(data, original, ZERO, 0);
  const newIsZero = same(stack, value, ZERO, 0);
  if (same(data, current, data, original)) {
    if (originalIsZero) return { gas: GAS.slotSet, refund: 0 };
    return { gas: GAS.slotReset, refund: newIsZero ? clearRefund : 0 };
  }
  let refund = 0;
  if (!originalIsZero) {
    if (same(data, current, ZERO, 0)) refund -= clearRefund;
    else if (newIsZero) refund += clearRefund;
  }
  if (same(data, original, stack, value)) refund += (originalIsZero ? GAS.slotSet : GAS.slotReset) - GAS.warm;
  return { gas: GAS.warm, refund };
}

const store: Handler = (frame, context) => {
  if (frame.isStatic) return frame.fail("write protection");
  if (frame.gas <= GAS.sstoreSentry && !frame.refill()) return frame.fail("out of gas");
  const { state, rules } = context;
  const key = frame.sp - 8;
  const value = frame.sp - 16;
  frame.sp -= 16;
  const slot = state.slot(frame.self, frame.stack, key);
  const cold = state.warmSlot(slot) ? GAS.coldSlot : 0;
  const clearRefund = rules.fork >= FORK.london ? GAS.slotClearRefund : GAS.slotClearRefundBerlin;
  const { gas, refund } = netGas(state.slots.data, slot, frame.stack, value, clearRefund);
  if (!frame.charge(gas + cold)) return;
  context.refund += refund;
  if (!same(state.slots.data, slot + SLOT.CURRENT, frame.stack, value))
    state.setSlot(frame.self, slot, frame.stack, value);
};

const transientLoad: Handler = (frame, { state }) =>
  state.readTransient(frame.self, frame.stack, frame.sp - 8);

const transientStore: Handler = (frame, { state }) => {
  if (frame.isStatic) return frame.fail("write protection");
  state.writeTransient(frame.self, frame.stack, frame.sp - 8, frame.sp - 16);
  frame.sp -= 16;
};

export const storage: Family = [
  [0x54, load],
  [0x55, store],
  [0x5c, transientLoad],
  [0x5d, transientStore],
];
