import { Body, Controller, HttpCode, Inject, Post, Req } from "@nestjs/common";
import { JsonRpcPassthrough } from "../../../application/json-rpc-passthrough.use-case.js";
import { callsIn } from "../../../domain/rpc-policy.js";
import type { GatewayRequest } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { rpcBody, rpcView } from "../schemas/platform.schemas.js";

@Controller("rpc")
export class RpcController {
  constructor(@Inject(JsonRpcPassthrough) private readonly passthrough: JsonRpcPassthrough) {}

  @Post()
  @HttpCode(200)
  @Operation({
    id: "callJsonRpc",
    summary:
      "Ethereum JSON-RPC of the chain: reading methods for all, eth_sendRawTransaction for signed-in accounts",
    tag: "chain",
    access: "public",
    repetition: "harmless",
    body: rpcBody,
    answer: rpcView,
    problems: [413, 503],
    cost: (body, { rpcMaxBatch }) => callsIn(body, rpcMaxBatch),
  })
  call(@Req() request: GatewayRequest, @Body() body: unknown): Promise<unknown> {
    return this.passthrough.call(body, request.session !== undefined, request.gone);
  }
}
