import { permitTypedData, providerRegistrationTypedData } from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { signerOf, type TypedData } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import type { Clock } from "@aios/kernel/clock";
import type { Address } from "@aios/kernel/identifiers";
import type { Rng } from "@aios/kernel/random";
import { crashPoint } from "@aios/service-kit/crash-point";
import { providerNotProven, stakeNotFunded } from "../domain/errors.js";
import type {
  ChainReader,
  ChainWriter,
  ProviderStore,
  SignedRegistration,
  TransactionOutcome,
} from "../domain/ports.js";
import {
  capabilitiesHash,
  checkProof,
  type ProviderCapabilities,
  type ProviderRecord,
  type ProviderSelfTest,
  selfTestHash,
} from "../domain/provider.js";
import type { RegistrationRate } from "./registration-rate.js";

const SIGN_WITHIN_SECONDS = 600;
const ASK_EVERY_MS = 500;
const REGISTERED_WITHIN_MS = 60_000;

export interface ProviderHello {
  readonly address: Address;
  readonly name: string;
  readonly capabilities: ProviderCapabilities;
  readonly priceWei: Readonly<Record<string, string>>;
}

/** What an unregistered provider signs to join. */
export interface RegistrationOffer {
  readonly registration: TypedData;
  readonly permit: TypedData;
  readonly stakeWei: string;
  readonly nonce: string;
  readonly deadline: string;
}

/** Checks a provider's key and self-test, and brings it onto the chain when it is not there yet. */
export class JoinProvider {
  readonly #providers: ProviderStore;
  readonly #chain: ChainWriter;
  readonly #reader: ChainReader;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #rate: RegistrationRate;

  constructor(
    providers: ProviderStore,
    chain: ChainWriter,
    reader: ChainReader,
    clock: Clock,
    rng: Rng,
    rate: RegistrationRate,
  ) {
    this.#providers = providers;
    this.#chain = chain;
    this.#reader = reader;
    this.#clock = clock;
    this.#rng = rng;
    this.#rate = rate;
  }

  /** Throws `provider-key-not-proven`, `self-test-not-signed`, `stake-not-funded`. Answers what to sign, or nothing when registered. */
  async prove(
    hello: ProviderHello,
    challenge: string,
    signature: string,
    selfTest: ProviderSelfTest,
  ): Promise<RegistrationOffer | undefined> {
    checkProof(hello.address, challenge, signature, selfTest);
    const { providerRegistry, wrappedAios, chainId } = await this.#chain.protocol();
    const stake = await this.#reader.stake(hello.address, providerRegistry);
    const known = await this.#providers.find(hello.address);
    // A key costs nothing: whoever has no stake yet is not remembered.
    if (stake.active || known !== undefined) {
      await this.#save(hello, selfTest, stake, known?.registrationTransactionHash ?? "");
    }
    if (stake.active) return undefined;
    const [minimumWei, permitNonce, balanceWei] = await Promise.all([
      this.#reader.minimumStakeWei(providerRegistry),
      this.#reader.permitNonce(hello.address, wrappedAios),
      this.#reader.balanceWei(hello.address, wrappedAios),
    ]);
    const missingWei = minimumWei > stake.stakedWei ? minimumWei - stake.stakedWei : 0n;
    if (balanceWei < missingWei) throw stakeNotFunded(hello.address, balanceWei, missingWei);
    const stakeWei = missingWei.toString();
    const deadline = (Math.floor(this.#clock.now() / 1_000) + SIGN_WITHIN_SECONDS).toString();
    const nonce = BigInt(`0x${Buffer.from(this.#rng.bytes(16)).toString("hex")}`).toString();
    return {
      stakeWei,
      nonce,
      deadline,
      registration: providerRegistrationTypedData(signingDomain(chainId, providerRegistry), {
        provider: hello.address,
        stakeWei,
        capabilitiesHash: capabilitiesHash(hello.capabilities),
        selfTestHash: selfTestHash(selfTest),
        nonce,
        deadline,
      }),
      permit: permitTypedData(tokenDomain(chainId, wrappedAios), {
        owner: hello.address,
        spender: providerRegistry,
        value: stakeWei,
        nonce: permitNonce.toString(),
        deadline,
      }),
    };
  }

  /**
   * Relays the signed registration if the chain would take it now; waits until the chain has it. `onTaken` is called once
   * the relayer has it. Throws `registration-*` errors and `too-many-registrations`.
   */
  async register(
    hello: ProviderHello,
    selfTest: ProviderSelfTest,
    offer: RegistrationOffer,
    signed: { readonly registration: string; readonly permit: string },
    network: string,
    onTaken: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    for (const [name, data, given] of [
      ["registration", offer.registration, signed.registration],
      ["permit", offer.permit, signed.permit],
    ] as const) {
      if (signerOf(data, given) === hello.address) continue;
      throw providerNotProven("registration-not-signed", `The ${name} was not signed by ${hello.address}.`);
    }
    const registration: SignedRegistration = {
      provider: hello.address,
      stakeWei: offer.stakeWei,
      capabilitiesHash: capabilitiesHash(hello.capabilities),
      selfTestHash: selfTestHash(selfTest),
      nonce: offer.nonce,
      deadline: offer.deadline,
      signature: signed.registration,
      permitDeadline: offer.deadline,
      permitSignature: signed.permit,
    };
    this.#rate.take(network, hello.address);
    // What would revert never stands in the queue that jobs wait in.
    const refused = await this.#chain.simulateRegistration(registration);
    if (refused !== undefined) throw providerNotProven("registration-reverted", refused.message);
    signal.throwIfAborted();
    crashPoint("compute.register.before-submit");
    const submitted = await this.#chain.register(
      registration,
      `provider:${hello.address}:register:${offer.nonce}`,
    );
    crashPoint("compute.register.after-submit");
    onTaken();
    await this.#untilRegistered(hello, selfTest, submitted, signal);
  }

  #save(
    hello: ProviderHello,
    selfTest: ProviderSelfTest,
    stake: Awaited<ReturnType<ChainReader["stake"]>>,
    registrationTransactionHash: string,
  ): Promise<void> {
    return this.#providers.save({
      ...hello,
      selfTest,
      registered: stake.active,
      stakedWei: stake.stakedWei.toString(),
      registrationTransactionHash,
      draining: false,
      lastSeenMs: this.#clock.now(),
    });
  }

  find(provider: Address): Promise<ProviderRecord | undefined> {
    return this.#providers.find(provider);
  }

  async #untilRegistered(
    hello: ProviderHello,
    selfTest: ProviderSelfTest,
    submitted: TransactionOutcome,
    signal: AbortSignal,
  ): Promise<void> {
    const { providerRegistry } = await this.#chain.protocol();
    const endsAtMs = this.#clock.now() + REGISTERED_WITHIN_MS;
    let outcome = submitted;
    for (;;) {
      if (outcome.state === "failed") {
        throw providerNotProven(
          "registration-reverted",
          outcome.error?.message ?? "The chain refused the registration.",
        );
      }
      const stake = await this.#reader.stake(hello.address, providerRegistry);
      if (stake.active) return this.#save(hello, selfTest, stake, outcome.transactionHash);
      if (this.#clock.now() > endsAtMs) {
        throw providerNotProven(
          "registration-not-mined",
          "The registration is not on chain yet; connect again.",
        );
      }
      await this.#clock.wait(ASK_EVERY_MS as Parameters<Clock["wait"]>[0], signal);
      outcome = await this.#chain.outcome(outcome.transactionId);
    }
  }
}
