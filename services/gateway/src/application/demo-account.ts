/** The demo buyer of a local network; undefined wherever the operator configured none. */
export const DEMO_ACCOUNT = Symbol("demo account");

export interface DemoAccount {
  readonly privateKey: string;
  readonly account: string;
}
