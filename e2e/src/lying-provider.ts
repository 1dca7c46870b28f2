import type { Delivery, Receipt } from "@aios/core-settlement/order-digest";
import { deliveryTypedData, receiptTypedData, type Written } from "@aios/core-settlement/order-digest";
import { type TypedData, typedDataDigest } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import type { Protocol } from "@aios/sdk/api-types";
import {
  type ConnectRequest,
  type ConnectResponse,
  type JobResultMessage,
  ProviderLinkProxy,
} from "@aios/testkit/provider-link-proxy";
import { getBytes, hexlify, keccak256, toBeHex, Wallet } from "ethers";

/** `wrong-output` and `forged-receipt` are sent at once; what is `withheld` is sent when `handOver` says so. */
export type Lie = "wrong-output" | "forged-receipt" | "withheld";

/** What compute answered to a result: `acknowledged`, or the code with which it refused it. */
type Answer = string;

/**
 * The dishonest operator of an honest program: holds the provider's key and sits on its line to compute. Everything
 * passes unchanged but the results of jobs that it lies about; those it signs anew, so that all signatures hold that it
 * can make hold.
 */
export class LyingProvider {
  readonly #key: Wallet;
  readonly #protocol: Protocol;
  readonly #lies = new Map<string, Lie>();
  readonly #withheld = new Map<string, ConnectRequest>();
  readonly #answers = new Map<string, Answer[]>();
  #proxy!: ProviderLinkProxy;

  private constructor(privateKey: string, protocol: Protocol) {
    this.#key = new Wallet(privateKey);
    this.#protocol = protocol;
  }

  static async start(computeUrl: string, privateKey: string, protocol: Protocol): Promise<LyingProvider> {
    const liar = new LyingProvider(privateKey, protocol);
    liar.#proxy = await ProviderLinkProxy.start(computeUrl, {
      toCompute: (message) => liar.#tamper(message),
      seeFromCompute: (message) => liar.#note(message),
    });
    return liar;
  }

  get address(): string {
    return this.#key.address.toLowerCase();
  }

  /** What its program is to dial instead of compute. */
  get url(): string {
    return this.#proxy.url;
  }

  lieAbout(jobId: string, lie: Lie): void {
    this.#lies.set(jobId, lie);
  }

  /** True once its program has a result of the job that is held back. */
  withholds(jobId: string): boolean {
    return this.#withheld.has(jobId);
  }

  /** Sends the held back result as it was computed, however late. */
  handOver(jobId: string): void {
    const message = this.#withheld.get(jobId);
    if (message === undefined) throw new TypeError(`nothing is withheld of ${jobId}`);
    this.#proxy.send(message);
  }

  /** How compute answered the results of this job, in order. */
  answers(jobId: string): readonly Answer[] {
    return this.#answers.get(jobId) ?? [];
  }

  close(): void {
    this.#proxy.close();
  }

  #tamper(message: ConnectRequest): readonly ConnectRequest[] {
    const { jobResult } = message;
    if (jobResult === undefined) return [message];
    // Compute repeats the correlation id: that is how an answer is told to belong to this job.
    const own = { ...message, correlationId: jobResult.jobId };
    switch (this.#lies.get(jobResult.jobId)) {
      case undefined:
        return [own];
      case "withheld":
        this.#withheld.set(jobResult.jobId, own);
        return [];
      case "wrong-output":
        return [{ ...own, jobResult: this.#signed(jobResult, { output: anotherOutput(jobResult.output) }) }];
      case "forged-receipt":
        return [{ ...own, jobResult: this.#signed(jobResult, { receiptKey: forger }) }];
    }
  }

  #note({ correlationId, refused, resultAcknowledged }: ConnectResponse): void {
    const answer = resultAcknowledged === undefined ? refused?.error?.code : "acknowledged";
    if (answer === undefined || !this.#lies.has(correlationId)) return;
    this.#answers.set(correlationId, [...this.answers(correlationId), answer]);
  }

  #signed(
    result: JobResultMessage,
    { output = result.output, receiptKey = this.#key }: { output?: Uint8Array; receiptKey?: Wallet },
  ): JobResultMessage {
    const { chainId, contracts } = this.#protocol;
    const outputHash = keccak256(output);
    const receipt = { ...(JSON.parse(result.receiptJson) as Written<Receipt>), outputHash };
    const receiptData = receiptTypedData(
      signingDomain(chainId, contracts["ReceiptRegistry"] as string),
      receipt,
    );
    const delivery: Written<Delivery> = {
      ...(JSON.parse(result.deliveryJson) as Written<Delivery>),
      output: BigInt(hexlify(output)).toString(),
      outputHash,
      receiptHash: typedDataDigest(receiptData),
    };
    const deliveryData = deliveryTypedData(
      signingDomain(chainId, contracts["JobEscrow"] as string),
      delivery,
    );
    return {
      ...result,
      output,
      receiptJson: JSON.stringify(receipt),
      receiptSignature: signatureOf(receiptKey, receiptData),
      deliveryJson: JSON.stringify(delivery),
      deliverySignature: signatureOf(this.#key, deliveryData),
    };
  }
}

/** Nobody whom the chain knows. */
const forger = new Wallet(Wallet.createRandom().privateKey);

/** Another packed output of the same shape: the last class gets another score. */
function anotherOutput(output: Uint8Array): Uint8Array {
  return getBytes(toBeHex(BigInt(hexlify(output)) ^ 1n, 32));
}

function signatureOf(key: Wallet, data: TypedData): Uint8Array {
  return getBytes(key.signingKey.sign(typedDataDigest(data)).serialized);
}
