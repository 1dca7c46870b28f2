export const NODE_ENDPOINTS = Symbol("node-endpoints");

/** Where this node answers. */
export interface NodeEndpoints {
  readonly url: string;
  readonly webSocketUrl: string;
  readonly clientVersion: string;
}
