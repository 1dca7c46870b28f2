/** Injection tokens of the HTTP adapter's own settings. */
export const LOGGER = Symbol("logger");
export const HTTP_SETTINGS = Symbol("http settings");

export interface HttpSettings {
  readonly version: string;
  readonly contentMaxBytes: number;
  readonly sseHeartbeatMs: number;
  readonly sseMaxPerAccount: number;
  readonly rpcUrl: string;
  readonly rpcTimeoutMs: number;
  readonly rpcMaxBatch: number;
  readonly rpcMaxAnswerBytes: number;
}
