import { CodedError } from "@aios/kernel/coded-error";
import type {
  Balances,
  ChainTransaction,
  Contribution,
  DemoInfo,
  PlatformHealth,
  Protocol,
  Provider,
  ReceiptProof,
  Session,
} from "./api-types.js";
import { ContentApi } from "./content-api.js";
import { type ConnectionOptions, GatewayConnection } from "./gateway-connection.js";
import { GraphqlApi } from "./graphql-api.js";
import { JobApi } from "./job-api.js";
import { JsonRpc } from "./json-rpc.js";
import { ModelApi } from "./model-api.js";
import type { Operations, PlatformTrace } from "./operations-types.js";
import { type ProtocolPin, pinnedProtocol } from "./protocol-pin.js";

export interface AiosClientOptions extends ConnectionOptions {
  /** What the caller knows of its network beforehand; without it the gateway's own word is what is signed for. */
  readonly pin?: ProtocolPin | undefined;
}

/**
 * The public API of one AiOS platform, in Node and in browsers. Calls that act for an account sign in by
 * themselves. Every failure is a `CodedError` with the platform's own stable code.
 */
export class AiosClient {
  readonly content: ContentApi;
  readonly models: ModelApi;
  readonly jobs: JobApi;
  readonly graphql: GraphqlApi;
  /** The chain, read through the gateway. */
  readonly rpc: JsonRpc;
  readonly #connection: GatewayConnection;
  #protocol: Promise<Protocol> | undefined;

  constructor(options: AiosClientOptions) {
    this.#connection = new GatewayConnection(options);
    const { pin } = options;
    const protocol = async (): Promise<Protocol> => {
      const named = await this.protocol();
      return pin === undefined ? named : pinnedProtocol(named, pin);
    };
    this.content = new ContentApi(this.#connection);
    this.models = new ModelApi(this.#connection, protocol);
    this.jobs = new JobApi(this.#connection, protocol);
    this.graphql = new GraphqlApi(this.#connection);
    this.rpc = new JsonRpc(this.#connection.transport);
  }

  /** Lower-case address of the account that signs. Throws `signer-missing`. */
  get account(): string {
    return this.#connection.signer.address;
  }

  /** True where the client can act for an account. */
  get hasSigner(): boolean {
    return this.#connection.hasSigner;
  }

  signIn(): Promise<Session> {
    return this.#connection.signIn();
  }

  signOut(): Promise<void> {
    return this.#connection.signOut();
  }

  /** Chain id, contract addresses, platform accounts, fees; asked once and kept. */
  protocol(): Promise<Protocol> {
    if (this.#protocol !== undefined) return this.#protocol;
    const asked = this.#connection.open<Protocol>({ method: "GET", path: "/v1/protocol" });
    this.#protocol = asked;
    asked.catch(() => {
      this.#protocol = undefined;
    });
    return asked;
  }

  health(): Promise<PlatformHealth> {
    return this.#connection.open<PlatformHealth>({ method: "GET", path: "/health" });
  }

  /** For operators: with an operator's signer, or from the machine of a local gateway. */
  operations(): Promise<Operations> {
    return this.#asOperator<Operations>("/v1/operations");
  }

  /** For operators: one trace over all services, by its 32 hex digits. */
  trace(traceId: string): Promise<PlatformTrace> {
    return this.#asOperator<PlatformTrace>(`/v1/operations/traces/${encodeURIComponent(traceId)}`);
  }

  #asOperator<T>(path: string): Promise<T> {
    const call = { method: "GET", path } as const;
    return this.hasSigner ? this.#connection.signed<T>(call) : this.#connection.open<T>(call);
  }

  /** Balances of an account, by default the signer's own. */
  balances(account = this.account): Promise<Balances> {
    return this.#connection.signed<Balances>({
      method: "GET",
      path: `/v1/accounts/${encodeURIComponent(account)}/balances`,
    });
  }

  /** Contribution features and level of an account. */
  contribution(account: string): Promise<Contribution> {
    return this.#connection.signed<Contribution>({
      method: "GET",
      path: `/v1/accounts/${encodeURIComponent(account)}/contribution`,
    });
  }

  async providers(): Promise<readonly Provider[]> {
    return (await this.#connection.open<{ providers: Provider[] }>({ method: "GET", path: "/v1/providers" }))
      .providers;
  }

  /** Merkle path of a receipt to the anchored root. */
  receiptProof(receiptId: string): Promise<ReceiptProof> {
    return this.#connection.signed<ReceiptProof>({
      method: "GET",
      path: `/v1/receipts/${encodeURIComponent(receiptId)}/proof`,
    });
  }

  /** A transaction of the platform's relayer, by its id. */
  transaction(transactionId: string): Promise<ChainTransaction> {
    return this.#connection.signed<ChainTransaction>({
      method: "GET",
      path: `/v1/transactions/${encodeURIComponent(transactionId)}`,
    });
  }

  /**
   * Puts a transaction that its sender signed, and pays for, on the chain. Answers its hash. Throws `json-rpc-error` with the
   * node's reason.
   */
  async sendRawTransaction(signed: string): Promise<string> {
    const answer = await this.#connection.signed<{ result?: string; error?: { message: string } }>({
      method: "POST",
      path: "/rpc",
      json: { jsonrpc: "2.0", id: 1, method: "eth_sendRawTransaction", params: [signed] },
    });
    if (answer.result !== undefined) return answer.result;
    throw new CodedError({
      code: "json-rpc-error",
      kind: "unprocessable",
      message: `The chain refused the transaction: ${answer.error?.message ?? "no reason given"}`,
    });
  }

  /** The demo key of a local network. Throws `not-found` where none is configured. */
  demo(): Promise<DemoInfo> {
    return this.#connection.open<DemoInfo>({ method: "GET", path: "/v1/demo" });
  }
}
