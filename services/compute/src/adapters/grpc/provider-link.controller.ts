import type { Clock } from "@aios/kernel/clock";
import { AllowAnonymous } from "@aios/service-kit/allow-callers";
import { Controller, Inject } from "@nestjs/common";
import { GrpcStreamCall } from "@nestjs/microservices";
import { JoinProvider } from "../../application/join-provider.use-case.js";
import { ProviderWork } from "../../application/provider-work.use-case.js";
import type { ChainWriter, ProviderStore } from "../../domain/ports.js";
import {
  CHAIN_WRITER,
  CLOCK,
  LINK_IDENTITY,
  LINK_SETTINGS,
  PROVIDER_LINKS,
  PROVIDER_STORE,
} from "../../tokens.js";
import { HandshakeRoom } from "./handshake-room.js";
import type { ProviderLinkHub } from "./provider-link.hub.js";
import {
  type LinkCall,
  type LinkIdentity,
  type LinkSettings,
  ProviderLinkSession,
} from "./provider-link.session.js";

/** Anybody may open a link; its handshake proves who it is. */
@Controller()
@AllowAnonymous()
export class ProviderLinkController {
  constructor(
    @Inject(PROVIDER_LINKS) private readonly hub: ProviderLinkHub,
    @Inject(JoinProvider) private readonly join: JoinProvider,
    @Inject(ProviderWork) private readonly work: ProviderWork,
    @Inject(PROVIDER_STORE) private readonly providers: ProviderStore,
    @Inject(CHAIN_WRITER) private readonly chain: ChainWriter,
    @Inject(LINK_IDENTITY) private readonly identity: LinkIdentity,
    @Inject(LINK_SETTINGS) private readonly settings: LinkSettings,
    @Inject(HandshakeRoom) private readonly handshakes: HandshakeRoom,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @GrpcStreamCall("ProviderLinkService", "Connect")
  async connect(call: LinkCall): Promise<void> {
    const { hub, join, work, providers, chain, identity, settings, handshakes, clock } = this;
    const parts = {
      hub,
      join,
      work,
      providers,
      chain,
      identity,
      settings,
      handshakes,
      now: () => clock.now(),
    };
    try {
      await new ProviderLinkSession(call, parts).run();
    } catch (error) {
      call.emit("error", error);
    }
  }
}
