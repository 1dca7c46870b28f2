import { Body, Controller, Get, Inject, Param, Post, Req } from "@nestjs/common";
import { z } from "zod";
import { CONTENT_KEYS, type ContentKeyPeer } from "../../../application/peers.js";
import { changing, type GatewayCall, reading } from "../pipeline/gateway-request.js";
import { Operation } from "../pipeline/operation.js";
import { cid, emptyBody } from "../schemas/common.schemas.js";
import { depositKeyBody, keyReleasesView, wrappingKeyView } from "../schemas/content.schemas.js";
import { bytesOf, hex, textOrNull } from "../views/scalar.views.js";

const contentParams = z.object({ cid });

@Controller("v1/content-keys")
export class ContentKeyController {
  constructor(@Inject(CONTENT_KEYS) private readonly keys: ContentKeyPeer) {}

  @Get("wrapping-key")
  @Operation({
    id: "getWrappingKey",
    summary: "The public key that owners seal content keys to",
    tag: "content",
    access: "account",
    answer: wrappingKeyView,
  })
  async wrappingKey(@Req() request: GatewayCall): Promise<z.infer<typeof wrappingKeyView>> {
    const answer = await this.keys.getWrappingKey({}, reading(request));
    return { keyId: answer.keyId, publicKey: hex(answer.publicKey) };
  }

  @Post()
  @Operation({
    id: "depositContentKey",
    summary: "Deposit a content key, sealed to the key service, with what it may be released for",
    tag: "content",
    access: "account",
    repetition: "idempotency-key",
    body: depositKeyBody,
    answer: emptyBody,
    status: 201,
    problems: [403, 404, 409, 422],
  })
  async deposit(@Body() body: z.infer<typeof depositKeyBody>): Promise<z.infer<typeof emptyBody>> {
    const { sealedKey } = body;
    await this.keys.depositKey(
      {
        cid: body.cid,
        keyId: body.keyId,
        sealedKey: {
          ephemeralPublicKey: Buffer.from(bytesOf(sealedKey.ephemeralPublicKey)),
          nonce: Buffer.from(bytesOf(sealedKey.nonce)),
          ciphertext: Buffer.from(bytesOf(sealedKey.ciphertext)),
        },
        servicePurposes: body.servicePurposes,
        leaseScopes: body.leaseScopes,
      },
      changing(),
    );
    return {};
  }

  @Get(":cid/releases")
  @Operation({
    id: "listKeyReleases",
    summary: "Every release of the content's key, for its owner",
    tag: "content",
    access: "account",
    params: contentParams,
    answer: keyReleasesView,
    problems: [403, 404],
  })
  async releases(
    @Req() request: GatewayCall,
    @Param("cid") wanted: string,
  ): Promise<z.infer<typeof keyReleasesView>> {
    const { releases } = await this.keys.listReleases({ cid: wanted }, reading(request));
    return {
      releases: releases.map((release) => ({
        releaseId: release.releaseId,
        cid: release.cid,
        recipient: release.recipient,
        purpose: release.purpose,
        jobId: textOrNull(release.jobId),
        fencingToken: release.fencingToken,
        releasedAtMs: release.releasedAtMs,
      })),
    };
  }
}
