/** What `/v1/demo` gives out. */
export const DEMO_ACCOUNT = Symbol("demo account");

export interface DemoAccount {
  readonly privateKey: string;
  readonly account: string;
}

/** The demo buyer of a local network; `none` where the operator configured none, `not-local` where a network could ask. */
export type DemoOffer = DemoAccount | "none" | "not-local";
