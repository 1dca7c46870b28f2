import { abi as escrowAbi } from "@aios/contracts/abi/job-escrow";
import { abi as licenceAbi } from "@aios/contracts/abi/model-licence";
import { abi as registryAbi } from "@aios/contracts/abi/provider-registry";
import { abi as refutingAbi } from "@aios/contracts/abi/sampled-result-verifier";
import { decodeContractError } from "@aios/contracts/errors";
import { DEVELOPMENT_TAU_G2 } from "@aios/contracts/parameters";
import { referenceStringTrust } from "@aios/contracts/reference-string-trust";
import { DEVELOPMENT_TRUST } from "@aios/core-groth16/verifying-key";
import { CodedError, isCodedError } from "@aios/kernel/coded-error";
import { Interface } from "ethers/abi";
import type { Protocol, Verification } from "./api-types.js";
import type { JsonRpc } from "./json-rpc.js";
import { contractAddress } from "./typed-data-review.js";
import { tauG2OnChain } from "./verification/honk-checks.js";
import { VERIFIER_CONTRACT, verificationBy } from "./verifier-contracts.js";

const registry = new Interface(registryAbi);
const refuting = new Interface(refutingAbi);
const licence = new Interface(licenceAbi);
const escrow = new Interface(escrowAbi);
const DEVELOPMENT_STRING_TRUST = referenceStringTrust(DEVELOPMENT_TAU_G2);
const NOTHING = /^0x0{64}$/;

/** What a refutation has to prove: by this verifier, about exactly this model, under exactly this key. */
export interface StakeStatement {
  readonly verifier: string;
  readonly modelCommitment: string;
  readonly verifyingKeyHash: string;
}

export interface StakeAtRisk extends StakeStatement {
  /** The verifier's way of verification; undefined for one that the platform does not name any more. */
  readonly verification: Verification | undefined;
  /** What one refuted job takes, at most. */
  readonly maximumWei: bigint;
}

/** A provider's stake, as the chain has it. */
export interface ProviderStake {
  readonly provider: string;
  readonly state: "unregistered" | "active" | "below-minimum" | "unbonding" | "withdrawable";
  readonly stakeWei: bigint;
  readonly minimumStakeWei: bigint;
  readonly unbondDelaySeconds: number;
  /** Unix seconds from which the stake may be taken out; undefined where the provider is not leaving. */
  readonly unbondedAt: number | undefined;
  readonly atRisk: readonly StakeAtRisk[];
}

/** What a transaction would do to the account that sends it. */
export interface CallCost {
  readonly gas: bigint;
  /** In wei, at twice the present gas price; the rest is not taken. */
  readonly feeAtMostWei: bigint;
}

type ReadRpc = Pick<JsonRpc, "call" | "ethCall" | "logs" | "block">;

/** Reads registration, unbonding and what is at risk. Throws `contract-unknown` and what the node answers. */
export async function readProviderStake(
  rpc: ReadRpc,
  protocol: Protocol,
  provider: string,
): Promise<ProviderStake> {
  const address = contractAddress(protocol, "ProviderRegistry");
  const view = async (name: string, args: readonly unknown[] = []): Promise<unknown> =>
    registry.decodeFunctionResult(
      name,
      await rpc.ethCall(address, registry.encodeFunctionData(name, args)),
    )[0];
  const [raw, minimum, delay, atRisk, latest] = await Promise.all([
    view("providerOf", [provider]),
    view("minimumStakeWei"),
    view("unbondDelaySeconds"),
    readAtRisk(rpc, protocol, address, provider),
    rpc.block("latest"),
  ]);
  const record = raw as { stakeWei: bigint; registeredAt: bigint; unbondedAt: bigint };
  const found = {
    provider,
    stakeWei: BigInt(record.stakeWei),
    minimumStakeWei: BigInt(minimum as bigint),
    unbondDelaySeconds: Number(delay),
    unbondedAt: record.unbondedAt === 0n ? undefined : Number(record.unbondedAt),
    atRisk,
  };
  return { ...found, state: stateOf(found, record.registeredAt !== 0n, Number(latest?.timestamp ?? 0)) };
}

function stateOf(
  { stakeWei, minimumStakeWei, unbondedAt }: Omit<ProviderStake, "state">,
  isRegistered: boolean,
  chainSeconds: number,
): ProviderStake["state"] {
  if (!isRegistered) return "unregistered";
  if (unbondedAt !== undefined) return chainSeconds < unbondedAt ? "unbonding" : "withdrawable";
  return stakeWei < minimumStakeWei ? "below-minimum" : "active";
}

/** The last word of the provider on each statement. */
async function readAtRisk(
  rpc: ReadRpc,
  protocol: Protocol,
  address: string,
  provider: string,
): Promise<readonly StakeAtRisk[]> {
  const topics = registry.encodeFilterTopics("StakePutAtRisk", [provider]) as (string | null)[];
  const latest = new Map<string, StakeAtRisk>();
  for (const log of await rpc.logs({ address, topics })) {
    const args = registry.parseLog({ topics: [...log.topics], data: log.data })?.args;
    if (args === undefined) continue;
    const statement = {
      verifier: String(args.verifier).toLowerCase(),
      modelCommitment: String(args.modelCommitment),
      verifyingKeyHash: String(args.verifyingKeyHash),
    };
    latest.set(Object.values(statement).join(), {
      ...statement,
      verification: verificationBy(protocol, statement.verifier),
      maximumWei: BigInt(args.maximumWei),
    });
  }
  return [...latest.values()].filter(({ maximumWei }) => maximumWei > 0n);
}

/** What a refutation of a model's jobs has to prove under a way of verification. Throws `nothing-refutable`. */
export async function stakeStatement(
  rpc: Pick<JsonRpc, "ethCall">,
  protocol: Protocol,
  verification: Verification,
  modelId: bigint,
): Promise<StakeStatement> {
  const refusal = new CodedError({
    code: "nothing-refutable",
    kind: "unprocessable",
    message: `No job of model ${modelId} can be refuted under '${verification}': there is no such model, it has no key of this kind, or nothing is proven that way.`,
    details: { modelId: modelId.toString(), verification },
  });
  if (verification === "none") throw refusal;
  const verifier = contractAddress(protocol, VERIFIER_CONTRACT[verification]).toLowerCase();
  const answer = await rpc.ethCall(verifier, refuting.encodeFunctionData("refutedUnder", [modelId]));
  const [modelCommitment, verifyingKeyHash] = refuting
    .decodeFunctionResult("refutedUnder", answer)
    .map(String);
  if (modelCommitment === undefined || verifyingKeyHash === undefined || NOTHING.test(verifyingKeyHash))
    throw refusal;
  return { verifier, modelCommitment, verifyingKeyHash };
}

/** Who could forge under the key of a statement, as far as the chain shows. */
export interface StatementTrust {
  /** In words. */
  readonly trust: string;
  /** One party alone made it, or anybody can: no ceremony stands beside it. */
  readonly isForgeable: boolean;
}

/** Reads where a model's key comes from, of the kind that a way of verification goes by. */
export async function statementTrust(
  rpc: Pick<JsonRpc, "ethCall">,
  protocol: Protocol,
  verification: Verification,
  modelId: bigint,
): Promise<StatementTrust> {
  if (verification === "honk") {
    const trust = referenceStringTrust(
      await tauG2OnChain(rpc, contractAddress(protocol, VERIFIER_CONTRACT.honk)),
    );
    return { trust, isForgeable: trust === DEVELOPMENT_STRING_TRUST };
  }
  const data = licence.encodeFunctionData("ceremonyTranscriptHash", [modelId]);
  const answer = await rpc.ethCall(contractAddress(protocol, "ModelLicence"), data);
  const transcript = String(licence.decodeFunctionResult("ceremonyTranscriptHash", answer)[0]);
  return NOTHING.test(transcript)
    ? { trust: DEVELOPMENT_TRUST, isForgeable: true }
    : { trust: `made in the ceremony with transcript ${transcript}`, isForgeable: false };
}

/** Calldata for the registry; the provider's own account sends all but `withdraw`, which anybody may. */
export const stakeCalls = {
  putAtRisk: ({ verifier, modelCommitment, verifyingKeyHash }: StakeStatement, maximumWei: bigint): string =>
    registry.encodeFunctionData("putAtRisk", [verifier, modelCommitment, verifyingKeyHash, maximumWei]),
  unbond: (): string => registry.encodeFunctionData("unbond"),
  withdraw: (provider: string): string => registry.encodeFunctionData("withdrawStake", [provider]),
};

/** Runs a call without sending it. Throws `call-refused` with what the contract says, before anything is paid. */
export async function previewCall(
  rpc: Pick<JsonRpc, "call">,
  call: { readonly from: string; readonly to: string; readonly data: string },
): Promise<CallCost> {
  try {
    await rpc.call("eth_call", [call, "latest"]);
    const [gas, price] = await Promise.all([
      rpc.call<string>("eth_estimateGas", [call]),
      rpc.call<string>("eth_gasPrice"),
    ]);
    return { gas: BigInt(gas), feeAtMostWei: 2n * BigInt(price) * BigInt(gas) };
  } catch (error) {
    const data = isCodedError(error) ? error.details["rpcData"] : undefined;
    if (typeof data !== "string" || !data.startsWith("0x")) throw error;
    const { message, error: name, args } = decodeContractError(data);
    throw new CodedError({
      code: "call-refused",
      kind: "unprocessable",
      message,
      details: { error: name, args },
      cause: error,
    });
  }
}

/** What a refutation of a job's live lease takes from its provider's stake, at most: as it was put at risk before the lease. */
export async function leaseStakeAtRisk(
  rpc: Pick<JsonRpc, "ethCall">,
  protocol: Protocol,
  jobId: string,
): Promise<bigint> {
  const answer = await rpc.ethCall(
    contractAddress(protocol, "JobEscrow"),
    escrow.encodeFunctionData("jobOf", [jobId]),
  );
  const [job] = escrow.decodeFunctionResult("jobOf", answer);
  return BigInt((job as { stakeAtRiskWei: bigint }).stakeAtRiskWei);
}
