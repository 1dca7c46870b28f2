/** What `/v1/demo` gives out. */
export const DEMO_ACCOUNT = Symbol("demo account");

export interface DemoAccount {
  readonly privateKey: string;
  readonly account: string;
}

/** The demo buyer of a local network; `none` where the operator configured none, `not-local` where a network could ask. */
export type DemoOffer = DemoAccount | "none" | "not-local";

/** Whether only programs of this machine can reach what listens on the host: 127.0.0.0/8, ::1 or `localhost`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.(?:0|[1-9][0-9]{0,2})){3}$/.test(host);
}
