import type { Clock } from "@aios/kernel/clock";
import type {
  GetTransactionRequest,
  GetTransactionResponse,
  SimulateTransactionRequest,
  SimulateTransactionResponse,
  SubmitTransactionRequest,
  SubmitTransactionResponse,
  WatchTransactionRequest,
  WatchTransactionResponse,
} from "@aios/proto/aios/economy/v1/economy";
import { AllowCallers } from "@aios/service-kit/allow-callers";
import { currentCaller } from "@aios/service-kit/caller-context";
import { currentTraceHeaders } from "@aios/service-kit/tracing";
import { Controller, Inject } from "@nestjs/common";
import { GrpcMethod } from "@nestjs/microservices";
import { Observable } from "rxjs";
import { SimulateTransactionUseCase } from "../../application/simulate-transaction.use-case.js";
import { SubmitTransactionUseCase } from "../../application/submit-transaction.use-case.js";
import type { TransactionFeed } from "../../application/transaction-feed.js";
import { watchTransaction } from "../../application/watch-transaction.js";
import type { ChainTransaction } from "../../domain/chain-transaction.js";
import { transactionNotFound } from "../../domain/errors.js";
import type { TransactionStore } from "../../domain/ports.js";
import { CLOCK, TRANSACTION_FEED, TRANSACTION_STORE } from "../../tokens.js";
import { toMessage, toSigner } from "./transaction.mapping.js";

@Controller()
@AllowCallers("compute", "marketplace", "scoring")
export class TransactionController {
  constructor(
    @Inject(SubmitTransactionUseCase) private readonly submit: SubmitTransactionUseCase,
    @Inject(SimulateTransactionUseCase) private readonly simulate: SimulateTransactionUseCase,
    @Inject(TRANSACTION_STORE) private readonly transactions: TransactionStore,
    @Inject(TRANSACTION_FEED) private readonly feed: TransactionFeed,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @GrpcMethod("EconomyService", "SubmitTransaction")
  async submitTransaction(request: SubmitTransactionRequest): Promise<SubmitTransactionResponse> {
    const caller = currentCaller();
    const transaction = await this.submit.execute({
      caller: caller.service,
      tenant: caller.tenant ?? `service:${caller.service}`,
      idempotencyKey: request.idempotencyKey,
      signer: toSigner(request.signer),
      contract: request.contract,
      data: request.data,
      valueWei: request.valueWei,
      purpose: request.purpose,
      subject: request.subject,
      traceparent: currentTraceHeaders()["traceparent"] ?? "",
    });
    return { transaction: toMessage(transaction) };
  }

  @GrpcMethod("EconomyService", "SimulateTransaction")
  async simulateTransaction(request: SimulateTransactionRequest): Promise<SimulateTransactionResponse> {
    const { gasEstimate, failure } = await this.simulate.execute(
      currentCaller().service,
      toSigner(request.signer),
      request.contract,
      request.data,
      request.valueWei,
    );
    return {
      succeeds: failure === undefined,
      gasEstimate: Number(gasEstimate),
      errorCode: failure?.code ?? "",
      errorMessage: failure?.message ?? "",
      errorDetailsJson: failure === undefined ? "" : JSON.stringify(failure.details),
    };
  }

  @AllowCallers("gateway", "compute", "marketplace", "scoring")
  @GrpcMethod("EconomyService", "GetTransaction")
  async getTransaction(request: GetTransactionRequest): Promise<GetTransactionResponse> {
    return { transaction: toMessage(await this.#shown(request.transactionId)) };
  }

  /** Services follow what they asked for; to a user only what was asked for in its name is there. */
  async #shown(transactionId: string): Promise<ChainTransaction> {
    const { service, tenant } = currentCaller();
    const transaction = await this.transactions.find(transactionId);
    if (service === "gateway" && transaction.tenant !== tenant) throw transactionNotFound(transactionId);
    return transaction;
  }

  @AllowCallers("gateway", "compute", "marketplace", "scoring")
  @GrpcMethod("EconomyService", "WatchTransaction")
  watchTransaction(request: WatchTransactionRequest): Observable<WatchTransactionResponse> {
    return new Observable((subscriber) => {
      const abort = new AbortController();
      const forward = async (): Promise<void> => {
        await this.#shown(request.transactionId);
        const states = watchTransaction(
          this.transactions,
          this.feed,
          this.clock,
          request.transactionId,
          abort.signal,
        );
        for await (const transaction of states) subscriber.next({ transaction: toMessage(transaction) });
        subscriber.complete();
      };
      forward().catch((error: unknown) => subscriber.error(error));
      return () => abort.abort();
    });
  }
}
