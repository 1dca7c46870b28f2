import { Controller, Get, Inject, Param } from "@nestjs/common";
import type { z } from "zod";
import { OperationsMonitor } from "../../../application/operations-monitor.js";
import { ReadTrace } from "../../../application/read-trace.use-case.js";
import { Operation } from "../pipeline/operation.js";
import { operationsView, traceParams, traceView } from "../schemas/operations.schemas.js";
import { operationsViewOf } from "../views/operations.views.js";

const JOBS_SHOWN = 20;

@Controller("v1/operations")
export class OperationsController {
  constructor(
    @Inject(OperationsMonitor) private readonly monitor: OperationsMonitor,
    @Inject(ReadTrace) private readonly traces: ReadTrace,
  ) {}

  @Get()
  @Operation({
    id: "getOperations",
    summary: "Services, queues, lag, objectives and the latest jobs' traces",
    description:
      "For operators: accounts of GATEWAY_OPERATORS, or whoever sits at the machine of a gateway on a loopback address that has GATEWAY_LOOPBACK_OPERATOR. Objectives are counted since this gateway started.",
    tag: "operations",
    access: "operator",
    answer: operationsView,
  })
  async operations(): Promise<z.infer<typeof operationsView>> {
    const [reading, jobs] = await Promise.all([this.monitor.read(), this.traces.jobs(JOBS_SHOWN)]);
    return operationsViewOf(reading, jobs);
  }

  @Get("traces/:traceId")
  @Operation({
    id: "getTrace",
    summary: "One trace over all services, as far as they remember it",
    tag: "operations",
    access: "operator",
    params: traceParams,
    answer: traceView,
  })
  async trace(@Param("traceId") traceId: string): Promise<z.infer<typeof traceView>> {
    const { spans, dropped, silent } = await this.traces.read(traceId);
    return {
      traceId,
      spans: spans.map(({ attributes, ...span }) => ({ ...span, attributes: { ...attributes } })),
      dropped,
      silent: [...silent],
    };
  }
}
