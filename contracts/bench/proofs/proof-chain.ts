import { JOB_KIND } from "@aios/core-settlement/typed-data";
import { STATEMENT_VERSION, statementContext } from "@aios/core-zkml/statement";
import { ContractFactory, getBytes } from "ethers";
import { abi as meterAbi, bytecode as meterCode } from "../../generated/test/gas-meter.js";
import { calldataGas } from "../../src/verification-gas.js";
import { TestContract } from "../../test/support/calls.js";
import { startChain } from "../../test/support/chain.js";
import { TestProtocol } from "../../test/support/protocol.js";
import type { JobFacts } from "./part.js";

/** `Outcome.Final`. */
const FINAL = 2n;
/** What `TestProtocol` delivers. */
const WARM_UP_OUTPUT = 42n;

export interface SettlementGas {
  /** As the escrow pays for it. */
  readonly alone: number;
  readonly calldata: number;
  readonly transaction: number;
}

interface Delivered {
  readonly jobId: string;
  readonly verifier: string;
}

/** The protocol on the platform's own chain, where proofs settle jobs by real transactions. */
export class ProofChain implements AsyncDisposable {
  #delivered: Delivered | undefined;

  private constructor(
    private readonly protocol: TestProtocol,
    private readonly meter: TestContract,
  ) {}

  static async start(): Promise<ProofChain> {
    const chain = await startChain();
    const protocol = await TestProtocol.start(chain);
    const { stranger } = protocol.wallets;
    const meter = await new ContractFactory(meterAbi, meterCode, stranger).deploy();
    await meter.waitForDeployment();
    // Everybody has been paid before: what is measured is the usual case.
    const order = await protocol.provenOrder();
    await protocol.settle(await protocol.delivered(order), await protocol.evidence(order, WARM_UP_OUTPUT));
    return new ProofChain(protocol, new TestContract(await meter.getAddress(), meterAbi, stranger));
  }

  /** A new model's job, delivered. Answers the context that its proof is bound to. */
  async order({ system, modelCommitment, verifyingKeyHash, ...facts }: JobFacts): Promise<bigint> {
    const { protocol } = this;
    const { Groth16ResultVerifier, HonkResultVerifier } = protocol.deployment.contracts;
    const verifier = system === "groth16" ? Groth16ResultVerifier : HonkResultVerifier;
    const keys = { verifyingKeyHash, honkKeyHash: verifyingKeyHash };
    const modelId = await protocol.publish({ modelCommitment, ...keys });
    const order = await protocol.order({
      jobKind: JOB_KIND.inference,
      modelId,
      licenceId: await protocol.buyLicence(modelId),
      verifier,
      inputCommitment: facts.inputCommitment,
      settleWithinSeconds: 3_600n,
    });
    const jobId = await protocol.delivered(order, {}, { output: BigInt(facts.output) });
    this.#delivered = { jobId, verifier };
    return statementContext({
      version: STATEMENT_VERSION,
      chainId: protocol.chain.chainId,
      escrow: protocol.escrow.address,
      jobId,
      requester: order.buyer,
      modelCommitment: getBytes(modelCommitment),
      verifyingKeyHash: getBytes(verifyingKeyHash),
    });
  }

  /** Settles the last job ordered. */
  async settle(evidence: string): Promise<SettlementGas> {
    const { protocol, meter } = this;
    const { jobId, verifier } = this.#delivered as Delivered;
    const claim = (await protocol.escrow.read("claimOf", [jobId])) as Iterable<unknown>;
    const [gas, outcome] = (await meter.read("measure", [verifier, [...claim], evidence])) as [
      bigint,
      bigint,
    ];
    if (outcome !== FINAL) throw new Error("the chain does not take the proof");
    // The first burn of a second appends a checkpoint of the supply, a later one changes it.
    await protocol.chain.advance(2);
    const { gasUsed } = await protocol.settle(jobId, evidence);
    return { alone: Number(gas), calldata: calldataGas(getBytes(evidence)), transaction: Number(gasUsed) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.protocol.chain.stop();
  }
}
