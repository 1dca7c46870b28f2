import { Controller, Get, Inject } from "@nestjs/common";
import type { z } from "zod";
import { DEMO_ACCOUNT, type DemoOffer } from "../../../application/demo-account.js";
import { demoNotLocal, notFound } from "../../../domain/errors.js";
import { Operation } from "../pipeline/operation.js";
import { demoView } from "../schemas/platform.schemas.js";

@Controller("v1/demo")
export class DemoController {
  constructor(@Inject(DEMO_ACCOUNT) private readonly demo: DemoOffer) {}

  @Get()
  @Operation({
    id: "getDemoAccount",
    summary: "The demo buyer of a local network, where one is configured",
    tag: "platform",
    access: "public",
    answer: demoView,
    problems: [403, 404],
  })
  get(): z.infer<typeof demoView> {
    if (this.demo === "none") throw notFound("demo account on this network");
    if (this.demo === "not-local") throw demoNotLocal();
    return {
      warning:
        "A demo key of a local network. Everyone who opens this page has it; it must never hold anything of value.",
      ...this.demo,
    };
  }
}
