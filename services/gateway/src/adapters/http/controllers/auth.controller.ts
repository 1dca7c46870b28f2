import { Body, Controller, Inject, Post, Req } from "@nestjs/common";
import type { z } from "zod";
import { SignIn } from "../../../application/sign-in.use-case.js";
import { type GatewayRequest, sessionOf } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { emptyBody } from "../schemas/common.schemas.js";
import { nonceView, sessionView, siweBody } from "../schemas/platform.schemas.js";

@Controller("v1/auth")
export class AuthController {
  constructor(@Inject(SignIn) private readonly signIn: SignIn) {}

  @Post("nonce")
  @Operation({
    id: "createSignInNonce",
    summary: "A single-use nonce for a Sign-In with Ethereum message",
    tag: "auth",
    access: "public",
    repetition: "harmless",
    body: emptyBody,
    answer: nonceView,
    cost: 2,
  })
  nonce(): Promise<z.infer<typeof nonceView>> {
    return this.signIn.nonce();
  }

  @Post("siwe")
  @Operation({
    id: "signIn",
    summary: "Exchange a signed EIP-4361 message for a short-lived access token",
    description:
      "The message must name this site, the platform's chain and an unused nonce, and expire within 15 minutes.",
    tag: "auth",
    access: "public",
    repetition: "harmless",
    body: siweBody,
    answer: sessionView,
    problems: [401],
    cost: 5,
  })
  siwe(@Body() body: z.infer<typeof siweBody>): Promise<z.infer<typeof sessionView>> {
    return this.signIn.signIn(body.message, body.signature);
  }

  @Post("revocation")
  @Operation({
    id: "revokeSession",
    summary: "End this session now",
    tag: "auth",
    access: "account",
    repetition: "harmless",
    body: emptyBody,
    answer: emptyBody,
  })
  async revoke(@Req() request: GatewayRequest): Promise<z.infer<typeof emptyBody>> {
    await this.signIn.revoke(sessionOf(request));
    return {};
  }
}
