import { CodedError } from "@aios/kernel/coded-error";

/** How chain time is cut: part of genesis, the same on every node. */
export interface ChainTimeParameters {
  /** Start of tick 0, in milliseconds since 1970. */
  readonly genesisTimeMs: number;
  /** On duty, a node makes at most one block in a tick. */
  readonly tickMs: number;
  /** Ticks for which one group has duty: 2 ticks of 1.5 s are a slot of 3 s. */
  readonly ticksPerSlot: number;
  /** Levels are applied and rewards computed once an epoch. */
  readonly slotsPerEpoch: number;
  /** The honor set changes at most once in a learning cycle. */
  readonly epochsPerCycle: number;
}

/** A tick and what it is part of, all counted from 0 at genesis. */
export interface ChainTime {
  readonly tick: number;
  readonly slot: number;
  readonly epoch: number;
  readonly cycle: number;
}

/** Ticks of 1.5 s, slots of 3 s, epochs of 90 s, learning cycles of an hour. */
export const DEFAULT_CHAIN_TIME: Omit<ChainTimeParameters, "genesisTimeMs"> = {
  tickMs: 1_500,
  ticksPerSlot: 2,
  slotsPerEpoch: 30,
  epochsPerCycle: 40,
};

/** Checks the parameters. Throws `invalid-chain-time` with the field. */
export function requireChainTime(parameters: ChainTimeParameters): void {
  for (const field of ["tickMs", "ticksPerSlot", "slotsPerEpoch", "epochsPerCycle"] as const)
    if (!Number.isSafeInteger(parameters[field]) || parameters[field] < 1)
      throw invalid(field, `${field} is a whole number from 1.`);
  if (!Number.isSafeInteger(parameters.genesisTimeMs) || parameters.genesisTimeMs < 0)
    throw invalid("genesisTimeMs", "The time of genesis is a whole number of milliseconds from 0.");
}

/** The tick that runs at `nowMs`; negative before genesis. */
export function tickAt(parameters: ChainTimeParameters, nowMs: number): number {
  return Math.floor((nowMs - parameters.genesisTimeMs) / parameters.tickMs);
}

/** When a tick begins, in milliseconds since 1970. */
export function startOfTickMs(parameters: ChainTimeParameters, tick: number): number {
  return parameters.genesisTimeMs + tick * parameters.tickMs;
}

/** Slot, epoch and learning cycle of a tick. Throws `invalid-chain-time` for a tick that is no whole number from 0. */
export function chainTimeOf(parameters: ChainTimeParameters, tick: number): ChainTime {
  if (!Number.isSafeInteger(tick) || tick < 0) throw invalid("tick", "A tick is a whole number from 0.");
  const slot = Math.floor(tick / parameters.ticksPerSlot);
  const epoch = Math.floor(slot / parameters.slotsPerEpoch);
  return { tick, slot, epoch, cycle: Math.floor(epoch / parameters.epochsPerCycle) };
}

/** First tick of a learning cycle. */
export function firstTickOfCycle(parameters: ChainTimeParameters, cycle: number): number {
  return cycle * parameters.epochsPerCycle * parameters.slotsPerEpoch * parameters.ticksPerSlot;
}

function invalid(field: string, message: string): CodedError {
  return new CodedError({ code: "invalid-chain-time", kind: "invalid", field, message });
}
