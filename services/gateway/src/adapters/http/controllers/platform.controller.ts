import { Controller, Get, Inject, Param, Req } from "@nestjs/common";
import { z } from "zod";
import {
  COMPUTE,
  type ComputePeer,
  ECONOMY,
  type EconomyPeer,
  SCORING,
  type ScoringPeer,
} from "../../../application/peers.js";
import { PlatformStatus } from "../../../application/platform-status.use-case.js";
import { type GatewayCall, reading } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { address, bytes32 } from "../schemas/common.schemas.js";
import {
  balancesView,
  contributionView,
  healthView,
  protocolView,
  providersView,
  receiptProofView,
  transactionView,
} from "../schemas/platform.schemas.js";
import {
  contributionViewOf,
  protocolViewOf,
  providerViewOf,
  receiptProofViewOf,
  transactionViewOf,
} from "../views/platform.views.js";

const accountParams = z.object({ address });
const transactionParams = z.object({ id: z.string().min(1).max(200) });
const receiptParams = z.object({ receiptId: bytes32 });

@Controller()
export class PlatformController {
  constructor(
    @Inject(ECONOMY) private readonly economy: EconomyPeer,
    @Inject(COMPUTE) private readonly compute: ComputePeer,
    @Inject(SCORING) private readonly scoring: ScoringPeer,
    @Inject(PlatformStatus) private readonly status: PlatformStatus,
  ) {}

  @Get("health")
  @Operation({
    id: "getHealth",
    summary: "Whether each part of the platform answers",
    tag: "platform",
    access: "public",
    answer: healthView,
  })
  health(): Promise<z.infer<typeof healthView>> {
    return this.status.read();
  }

  @Get("v1/protocol")
  @Operation({
    id: "getProtocol",
    summary: "Chain, contracts, platform accounts, fees",
    tag: "platform",
    access: "public",
    answer: protocolView,
  })
  async protocol(@Req() request: GatewayCall): Promise<z.infer<typeof protocolView>> {
    return protocolViewOf(await this.economy.getProtocol({}, reading(request)));
  }

  @Get("v1/accounts/:address/balances")
  @Operation({
    id: "getBalances",
    summary: "Balances of an account",
    tag: "platform",
    access: "account",
    params: accountParams,
    answer: balancesView,
  })
  async balances(
    @Req() request: GatewayCall,
    @Param("address") account: string,
  ): Promise<z.infer<typeof balancesView>> {
    return {
      account: account.toLowerCase(),
      ...(await this.economy.getBalances({ account: account.toLowerCase() }, reading(request))),
    };
  }

  @Get("v1/accounts/:address/contribution")
  @Operation({
    id: "getContribution",
    summary: "Contribution features and level of an account, counted from receipts",
    tag: "platform",
    access: "account",
    params: accountParams,
    answer: contributionView,
    problems: [404],
  })
  async contribution(
    @Req() request: GatewayCall,
    @Param("address") account: string,
  ): Promise<z.infer<typeof contributionView>> {
    return contributionViewOf(
      await this.scoring.getContribution({ account: account.toLowerCase() }, reading(request)),
    );
  }

  @Get("v1/providers")
  @Operation({
    id: "listProviders",
    summary: "Providers with capabilities, prices and state",
    tag: "platform",
    access: "public",
    answer: providersView,
  })
  async providers(@Req() request: GatewayCall): Promise<z.infer<typeof providersView>> {
    const { providers } = await this.compute.listProviders({}, reading(request));
    return { providers: providers.map(providerViewOf) };
  }

  @Get("v1/transactions/:id")
  @Operation({
    id: "getTransaction",
    summary: "A transaction of the platform's relayer by its id or hash",
    tag: "platform",
    access: "account",
    params: transactionParams,
    answer: transactionView,
    problems: [404],
  })
  async transaction(
    @Req() request: GatewayCall,
    @Param("id") transactionId: string,
  ): Promise<z.infer<typeof transactionView>> {
    return transactionViewOf(
      (await this.economy.getTransaction({ transactionId }, reading(request))).transaction,
    );
  }

  @Get("v1/receipts/:receiptId/proof")
  @Operation({
    id: "getReceiptProof",
    summary: "Merkle path from a receipt to its anchored root",
    tag: "platform",
    access: "account",
    params: receiptParams,
    answer: receiptProofView,
    problems: [404, 409],
  })
  async receiptProof(
    @Req() request: GatewayCall,
    @Param("receiptId") receiptId: string,
  ): Promise<z.infer<typeof receiptProofView>> {
    return receiptProofViewOf(
      await this.scoring.getReceiptProof({ receiptId: receiptId.toLowerCase() }, reading(request)),
    );
  }
}
