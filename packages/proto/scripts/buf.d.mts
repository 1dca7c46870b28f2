import type { SpawnSyncReturns } from "node:child_process";

export declare const root: string;
export declare function buf(...argv: string[]): SpawnSyncReturns<string>;
