import { type EscrowState, JOB_STATES } from "@aios/core-settlement/job-state-table";
import {
  type Acceptance,
  acceptanceTypedData,
  type Delivery,
  deliveryTypedData,
  jobIdOfOrder,
  type LeaseTerms,
  type LicencePurchase,
  leaseTermsTypedData,
  licencePurchaseTypedData,
  type ModelPublication,
  modelPublicationTypedData,
  type Order,
  orderTypedData,
  type ProviderRegistration,
  permitTypedData,
  providerRegistrationTypedData,
} from "@aios/core-settlement/order-digest";
import { type TokenPermit, tokenDomain, tokenPermit } from "@aios/core-settlement/permit";
import type { TypedData } from "@aios/core-settlement/signed-data";
import { JOB_KIND, type SigningDomain, signingDomain } from "@aios/core-settlement/typed-data";
import {
  AbiCoder,
  concat,
  keccak256,
  Signature,
  toBeHex,
  toUtf8Bytes,
  Wallet,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { abi as registryAbi } from "../../generated/abi/contract-registry.js";
import { abi as escrowAbi } from "../../generated/abi/job-escrow.js";
import { abi as licenceAbi } from "../../generated/abi/model-licence.js";
import { abi as providersAbi } from "../../generated/abi/provider-registry.js";
import { abi as receiptsAbi } from "../../generated/abi/receipt-registry.js";
import { abi as tokenAbi } from "../../generated/abi/wrapped-aios.js";
import { type Deployment, deployProtocol } from "../../src/deploy.js";
import { type ProtocolParameters, parseParameters } from "../../src/parameters.js";
import { type Sent, TestContract, type TestWallet } from "./calls.js";
import type { TestChain } from "./chain.js";
import { ToyGroth16 } from "./toy-groth16.js";

export const AIOS = 10n ** 18n;
const PARTIES = [
  "deployer",
  "relayer",
  "matcher",
  "anchor",
  "buyer",
  "owner",
  "provider",
  "rival",
  "prover",
  "stranger",
] as const;
export type Party = (typeof PARTIES)[number];

export interface StatementFacts {
  readonly version: bigint;
  readonly chainId: bigint;
  readonly escrow: string;
  readonly jobId: string;
  readonly requester: string;
  readonly modelCommitment: string;
  readonly verifyingKeyHash: string;
}

/** The protocol on a chain with funded parties: the buyer has wrapped AIOS, `provider` and `rival` are registered. */
export class TestProtocol {
  readonly token: TestContract;
  readonly registry: TestContract;
  readonly providers: TestContract;
  readonly models: TestContract;
  readonly receipts: TestContract;
  readonly escrow: TestContract;
  readonly key = new ToyGroth16(7n);
  #nonce = 0n;

  private constructor(
    readonly chain: TestChain,
    readonly deployment: Deployment,
    readonly parameters: ProtocolParameters,
    readonly wallets: Readonly<Record<Party, TestWallet>>,
    readonly treasury: string,
  ) {
    const { contracts } = deployment;
    const reader = wallets.stranger;
    this.token = new TestContract(contracts.WrappedAios, tokenAbi, reader);
    this.registry = new TestContract(contracts.ContractRegistry, registryAbi, reader);
    this.providers = new TestContract(contracts.ProviderRegistry, providersAbi, reader);
    this.models = new TestContract(contracts.ModelLicence, licenceAbi, reader);
    this.receipts = new TestContract(contracts.ReceiptRegistry, receiptsAbi, reader);
    this.escrow = new TestContract(contracts.JobEscrow, escrowAbi, reader);
  }

  static async start(
    chain: TestChain,
    overrides: Readonly<Record<string, unknown>> = {},
  ): Promise<TestProtocol> {
    const entries = PARTIES.map(
      (name) => [name, new Wallet(Wallet.createRandom().privateKey, chain.provider)] as const,
    );
    const wallets = Object.fromEntries(entries) as Record<Party, TestWallet>;
    let nonce = await chain.funder.getNonce("pending");
    const funding = PARTIES.map((name) =>
      chain.funder.sendTransaction({
        to: wallets[name].address,
        value: (name === "deployer" ? 10n : 5n) * AIOS,
        nonce: nonce++,
      }),
    );
    for (const transaction of funding) await (await transaction).wait();
    const treasury = Wallet.createRandom().address;
    const parameters = parseParameters(
      {
        treasury,
        anchor: wallets.anchor.address,
        minimumStakeWei: "1000",
        unbondDelaySeconds: 100,
        challengeWindowSeconds: 60,
        ...overrides,
      },
      wallets.deployer.address,
    );
    const deployment = await deployProtocol({
      provider: chain.provider,
      signer: wallets.deployer,
      parameters,
    });
    const protocol = new TestProtocol(chain, deployment, parameters, wallets, treasury);
    await protocol.wrap("buyer", 2n * AIOS);
    for (const name of ["provider", "rival"] as const) {
      await protocol.wrap(name, AIOS);
      await protocol.register(name, { stakeWei: 2000n });
    }
    return protocol;
  }

  address(party: Party): string {
    return this.wallets[party].address;
  }

  domain(contract: TestContract): SigningDomain {
    return signingDomain(this.chain.chainId, contract.address);
  }

  /** A nonce that was not used before by this protocol's parties. */
  nonce(): bigint {
    return ++this.#nonce;
  }

  async sign(party: Party, data: TypedData): Promise<string> {
    return signData(this.wallets[party], data);
  }

  async wrap(party: Party, amountWei: bigint): Promise<void> {
    await this.token.send(this.wallets[party], "deposit", [], amountWei);
  }

  async balance(account: string): Promise<bigint> {
    return this.token.readBigInt("balanceOf", [account]);
  }

  async withdrawable(account: string): Promise<bigint> {
    return this.escrow.readBigInt("withdrawable", [account]);
  }

  async permit(party: Party, spender: TestContract, value: bigint): Promise<TokenPermit> {
    const owner = this.address(party);
    const nonce = await this.token.readBigInt("nonces", [owner]);
    const permit = {
      owner,
      spender: spender.address,
      value,
      nonce,
      deadline: BigInt(await this.chain.now()) + 3600n,
    };
    const payload = permitTypedData(tokenDomain(this.chain.chainId, this.token.address), permit);
    return tokenPermit(permit, await this.sign(party, payload));
  }

  async register(party: Party, overrides: Partial<ProviderRegistration> = {}): Promise<Sent> {
    const registration: ProviderRegistration = {
      provider: this.address(party),
      stakeWei: 1000n,
      capabilitiesHash: keccak256(toUtf8Bytes("capabilities")),
      selfTestHash: keccak256(toUtf8Bytes("self-test")),
      nonce: this.nonce(),
      deadline: BigInt(await this.chain.now()) + 3600n,
      ...overrides,
    };
    const signature = await this.sign(
      party,
      providerRegistrationTypedData(this.domain(this.providers), registration),
    );
    const permit = await this.permit(party, this.providers, registration.stakeWei);
    return this.providers.send(this.wallets.relayer, "register", [registration, signature, permit]);
  }

  /** The party puts stake at risk under the order's verifier, model and Groth16 key. */
  async putAtRisk(party: Party, { modelId, verifier }: Order, maximumWei: bigint): Promise<Sent> {
    const [modelCommitment, keyHash] = (await this.models.read("statementOf", [modelId])) as [string, string];
    const args = [verifier, modelCommitment, keyHash, maximumWei];
    return this.providers.send(this.wallets[party], "putAtRisk", args);
  }

  async stakeOf(party: Party): Promise<bigint> {
    return this.providers.readBigInt("stakeOf", [this.address(party)]);
  }

  /** Returns the model's id. */
  async publish(overrides: Partial<ModelPublication> = {}): Promise<bigint> {
    const publication: ModelPublication = {
      owner: this.address("owner"),
      modelCommitment: keccak256(toUtf8Bytes(`model ${this.nonce()}`)),
      verifyingKeyHash: this.key.verifyingKeyHash,
      honkKeyHash: keccak256(toUtf8Bytes("an UltraHonk key")),
      ceremonyTranscriptHash: keccak256(toUtf8Bytes("a ceremony")),
      contentCid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
      licencePriceWei: 1001n,
      usageFeeWei: 30n,
      royaltyBps: 700,
      nonce: this.nonce(),
      deadline: BigInt(await this.chain.now()) + 3600n,
      ...overrides,
    };
    const signature = await this.sign(
      "owner",
      modelPublicationTypedData(this.domain(this.models), publication),
    );
    const { events } = await this.models.send(this.wallets.relayer, "publishModel", [publication, signature]);
    return BigInt(String(events.find((event) => event.name === "ModelPublished")?.args["modelId"]));
  }

  /** Returns the licence's id. */
  async buyLicence(modelId: bigint, overrides: Partial<LicencePurchase> = {}): Promise<bigint> {
    const purchase: LicencePurchase = {
      buyer: this.address("buyer"),
      modelId,
      maxPriceWei: 10n ** 6n,
      nonce: this.nonce(),
      deadline: BigInt(await this.chain.now()) + 3600n,
      ...overrides,
    };
    const signature = await this.sign("buyer", licencePurchaseTypedData(this.domain(this.models), purchase));
    const permit = await this.permit("buyer", this.models, purchase.maxPriceWei);
    const { events } = await this.models.send(this.wallets.relayer, "purchaseLicence", [
      purchase,
      signature,
      permit,
    ]);
    return BigInt(String(events.find((event) => event.name === "LicencePurchased")?.args["licenceId"]));
  }

  async order(overrides: Partial<Order> = {}): Promise<Order> {
    return {
      buyer: this.address("buyer"),
      jobKind: JOB_KIND.training,
      modelId: 0n,
      licenceId: 0n,
      requestHash: keccak256(toUtf8Bytes("request")),
      inputCommitment: toBeHex(12345n, 32),
      verifier: this.deployment.contracts.DeliveryResultVerifier,
      matcher: this.address("matcher"),
      maxPriceWei: 10_000n,
      leaseBy: BigInt(await this.chain.now()) + 600n,
      deliverWithinSeconds: 120n,
      settleWithinSeconds: 300n,
      nonce: this.nonce(),
      ...overrides,
    };
  }

  /** An order that a proof settles, for a new model that the buyer has a licence of. */
  async provenOrder(overrides: Partial<Order> = {}): Promise<Order> {
    const modelId = await this.publish();
    const licenceId = await this.buyLicence(modelId);
    const verifier = this.deployment.contracts.Groth16ResultVerifier;
    return this.order({ jobKind: JOB_KIND.inference, modelId, licenceId, verifier, ...overrides });
  }

  jobId(order: Order): string {
    return jobIdOfOrder(this.domain(this.escrow), order);
  }

  async open(order: Order, permit?: TokenPermit): Promise<Sent> {
    const signature = await this.sign("buyer", orderTypedData(this.domain(this.escrow), order));
    const args = [order, signature, permit ?? (await this.permit("buyer", this.escrow, order.maxPriceWei))];
    return this.escrow.send(this.wallets.relayer, "open", args);
  }

  async terms(jobId: string, overrides: Partial<LeaseTerms> = {}): Promise<LeaseTerms> {
    return {
      jobId,
      provider: this.address("provider"),
      prover: ZeroAddress,
      fencingToken: 1n,
      providerPriceWei: 4_000n,
      proverFeeWei: 0n,
      acceptBy: BigInt(await this.chain.now()) + 300n,
      ...overrides,
    };
  }

  async lease(
    jobId: string,
    overrides: Partial<LeaseTerms> = {},
    signer: Party = "provider",
    sender: Party = "matcher",
  ): Promise<Sent> {
    const terms = await this.terms(jobId, { provider: this.address(signer), ...overrides });
    const signature = await this.sign(signer, leaseTermsTypedData(this.domain(this.escrow), terms));
    return this.escrow.send(this.wallets[sender], "lease", [terms, signature]);
  }

  delivery(jobId: string, overrides: Partial<Delivery> = {}): Delivery {
    const output = overrides.output ?? 42n;
    return {
      jobId,
      fencingToken: 1n,
      output,
      outputHash: keccak256(toBeHex(output, 32)),
      receiptHash: ZeroHash,
      ...overrides,
    };
  }

  async deliver(jobId: string, overrides: Partial<Delivery> = {}, signer: Party = "provider"): Promise<Sent> {
    const delivery = this.delivery(jobId, overrides);
    const signature = await this.sign(signer, deliveryTypedData(this.domain(this.escrow), delivery));
    return this.escrow.send(this.wallets.relayer, "deliver", [delivery, signature]);
  }

  /** What `who` signs that it computed for the job as its second provider, as evidence for "replicate". */
  async replica(jobId: string, output: bigint, who: Party, fencingToken = 7n): Promise<string> {
    const delivery = this.delivery(jobId, { fencingToken, output });
    const signature = await this.sign(who, deliveryTypedData(this.domain(this.escrow), delivery));
    const { r, s, v } = Signature.from(signature);
    return concat([toBeHex(fencingToken, 32), delivery.receiptHash, r, s, toBeHex(v, 32)]);
  }

  async accept(jobId: string, overrides: Partial<Acceptance> = {}, signer: Party = "buyer"): Promise<Sent> {
    const acceptance: Acceptance = {
      jobId,
      fencingToken: 1n,
      outputHash: this.delivery(jobId).outputHash,
      ...overrides,
    };
    const signature = await this.sign(signer, acceptanceTypedData(this.domain(this.escrow), acceptance));
    return this.escrow.send(this.wallets.relayer, "accept", [acceptance, signature]);
  }

  async settle(jobId: string, evidence = "0x", sender: Party = "relayer"): Promise<Sent> {
    return this.escrow.send(this.wallets[sender], "settle", [jobId, evidence]);
  }

  async state(jobId: string): Promise<EscrowState> {
    return JOB_STATES[Number(await this.escrow.readBigInt("stateOf", [jobId]))] ?? "None";
  }

  /** The public inputs that a proof about this order has, each replaceable for a wrong one. */
  async publicInputs(order: Order, output: bigint, wrong: Partial<StatementFacts> = {}): Promise<bigint[]> {
    const [modelCommitment, verifyingKeyHash] = (await this.models.read("statementOf", [order.modelId])) as [
      string,
      string,
    ];
    const facts: StatementFacts = {
      version: 1n,
      chainId: this.chain.chainId,
      escrow: this.escrow.address,
      jobId: this.jobId(order),
      requester: order.buyer,
      modelCommitment,
      verifyingKeyHash,
      ...wrong,
    };
    const types = ["uint256", "uint256", "address", "bytes32", "address", "bytes32", "bytes32"];
    const values = [
      facts.version,
      facts.chainId,
      facts.escrow,
      facts.jobId,
      facts.requester,
      facts.modelCommitment,
      facts.verifyingKeyHash,
    ];
    const context = BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(types, values))) >> 8n;
    return [context, BigInt(order.inputCommitment), output];
  }

  async evidence(order: Order, output: bigint, randomness = 1n): Promise<string> {
    return this.key.evidence(await this.publicInputs(order, output), randomness);
  }

  /** Opens, leases and delivers. Returns the job's id. */
  async delivered(
    order: Order,
    terms: Partial<LeaseTerms> = {},
    delivery: Partial<Delivery> = {},
  ): Promise<string> {
    const jobId = this.jobId(order);
    await this.open(order);
    await this.lease(jobId, terms);
    await this.deliver(jobId, delivery);
    return jobId;
  }
}

export function signData(wallet: TestWallet, { domain, types, message }: TypedData): Promise<string> {
  return wallet.signTypedData(domain, types, message);
}
