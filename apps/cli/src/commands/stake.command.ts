import { CodedError } from "@aios/kernel/coded-error";
import { formatAios, WEI_PER_AIOS } from "@aios/kernel/units";
import type { Protocol, Verification } from "@aios/sdk/api-types";
import { ChainAccount } from "@aios/sdk/chain-account";
import type { AiosClient } from "@aios/sdk/client";
import {
  type ProviderStake,
  previewCall,
  readProviderStake,
  type StakeAtRisk,
  stakeCalls,
  stakeStatement,
  statementTrust,
} from "@aios/sdk/provider-stake";
import { contractAddress } from "@aios/sdk/typed-data-review";
import { type Command, type CommandInput, UsageError } from "../command.js";
import { required } from "../option-value.js";
import { accountClient, accountKey, visitorClient } from "../platform.js";

const WAYS: readonly Verification[] = ["sample", "replicate", "proof", "honk"];

const YES = { summary: "sends the transaction; without it only what it would do is told" };
const VERIFICATION = {
  value: "<way>",
  summary: `how such jobs are verified: ${WAYS.join(", ")}`,
  required: true,
} as const;

/** A provider's stake: what is there, what of it is at risk, and the way out. */
export const stakeCommand: Command = {
  name: "stake",
  summary: "a provider's stake: how it stands, what of it is at risk, leaving and taking it out",
  description: `Reads the chain, and acts as the provider: --key-file names the file of PROVIDER_KEY_FILE, whose account signs the
transaction and pays its gas. Everything but status first tells what will happen and what it costs, and sends nothing without --yes.
A stake is put in by aios-provider itself, when it registers. What puts stake at risk means, and what has to be checked before:
docs/decisions/0016-who-puts-stake-at-risk.md.`,
  actions: [
    {
      name: "status",
      positionals: [],
      options: { provider: { value: "<address>", summary: "whose (default: the account of --key-file)" } },
      summary: "stake, the least that is needed, unbonding, and what is at risk for which model",
      example: `stake status --provider 0x${"4c".repeat(20)}`,
      run: status,
    },
    {
      name: "put-at-risk",
      positionals: ["<model id>"],
      options: {
        verification: VERIFICATION,
        amount: { value: "<AIOS>", summary: "what one refuted job takes at most", required: true },
        "key-hash": {
          value: "<hash>",
          summary:
            "of the verifying key that you found to be the model's; refused where the model has another on chain",
          required: true,
        },
        forgeable: {
          summary: "although no ceremony made this key: who can forge under it can burn your stake",
        },
        yes: YES,
      },
      summary: "lets a proven wrong output of this model burn so much of the stake, for leases from now on",
      example: `stake put-at-risk 3 --verification sample --amount 5 --key-hash 0x${"7a".repeat(32)} --key-file provider.key --yes`,
      run: putAtRisk,
    },
    {
      name: "take-back",
      positionals: ["<model id>"],
      options: { verification: VERIFICATION, yes: YES },
      summary: "puts nothing at risk for this model any more, for leases from now on",
      example: "stake take-back 3 --verification sample --key-file provider.key --yes",
      run: takeBack,
    },
    {
      name: "unbond",
      positionals: [],
      options: { yes: YES },
      summary: "leaves: no new jobs from now on, and the stake is free after the delay",
      example: "stake unbond --key-file provider.key --yes",
      run: unbond,
    },
    {
      name: "withdraw",
      positionals: [],
      options: { yes: YES },
      summary: "takes the stake out, once the delay after unbond is over",
      example: "stake withdraw --key-file provider.key --yes",
      run: withdraw,
    },
  ],
};

/** What a transaction is for, told before it is sent. */
interface Plan {
  readonly does: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
  readonly calldata: string;
  readonly done: string;
}

interface Acting {
  readonly client: AiosClient;
  readonly protocol: Protocol;
  readonly account: ChainAccount;
  readonly stake: ProviderStake;
}

async function status(input: CommandInput): Promise<number> {
  const named = input.options.provider;
  if (named !== undefined && !/^0x[0-9a-fA-F]{40}$/.test(named))
    throw new UsageError(`--provider must be an address, not '${named}'.`);
  const client = named === undefined ? await accountClient(input) : visitorClient(input);
  const provider = (named ?? String(client.account)).toLowerCase();
  const stake = await readProviderStake(client.rpc, await client.protocol(), provider);
  input.output.write(input.json ? jsonLine(stake) : describe(stake));
  return 0;
}

async function putAtRisk(input: CommandInput): Promise<number> {
  const [modelId, verification] = [modelIdOf(input), wayOf(input)];
  const maximumWei = weiOf(required(input, "amount"));
  const keyHash = required(input, "key-hash").toLowerCase();
  const acting = await actingProvider(input);
  const { client, protocol, stake } = acting;
  const statement = await stakeStatement(client.rpc, protocol, verification, modelId);
  if (statement.verifyingKeyHash.toLowerCase() !== keyHash)
    throw new CodedError({
      code: "other-verifying-key",
      kind: "conflict",
      message: `Model ${modelId} has the verifying key ${statement.verifyingKeyHash} on chain, not the one that you checked.`,
      details: { onChain: statement.verifyingKeyHash },
    });
  const { trust, isForgeable } = await statementTrust(client.rpc, protocol, verification, modelId);
  if (isForgeable && !input.switches.has("forgeable"))
    throw new CodedError({
      code: "forgeable-key",
      kind: "conflict",
      message: `No ceremony made the key of model ${modelId} (${trust}): who can forge under it proves honest work wrong and burns your stake. Say --forgeable to risk it all the same.`,
      details: { trust },
    });
  const amount = `${formatAios(maximumWei)} AIOS`;
  return carryOut(input, acting, {
    does: [
      `From now on one refuted job of model ${modelId} under '${verification}' takes up to ${amount} of your stake of ${formatAios(stake.stakeWei)} AIOS, and burns it; several jobs at once can cost several times as much.`,
      "It holds for leases from now on, until you take it back: a lease that is made keeps what it was made with.",
      `Whose proofs count: verifier ${statement.verifier}, model ${statement.modelCommitment}, key ${statement.verifyingKeyHash}, ${trust}.`,
    ],
    facts: { ...statement, verification, modelId: modelId.toString(), maximumWei, trust },
    calldata: stakeCalls.putAtRisk(statement, maximumWei),
    done: `${amount} are at risk for model ${modelId} under '${verification}'`,
  });
}

async function takeBack(input: CommandInput): Promise<number> {
  const [modelId, verification] = [modelIdOf(input), wayOf(input)];
  const acting = await actingProvider(input);
  const statement = await stakeStatement(acting.client.rpc, acting.protocol, verification, modelId);
  return carryOut(input, acting, {
    does: [
      `Nothing of your stake is at risk for model ${modelId} under '${verification}' any more, for leases from now on: one that is made keeps what it was made with.`,
    ],
    facts: { ...statement, verification, modelId: modelId.toString(), maximumWei: 0n },
    calldata: stakeCalls.putAtRisk(statement, 0n),
    done: `nothing is at risk for model ${modelId} under '${verification}'`,
  });
}

async function unbond(input: CommandInput): Promise<number> {
  const acting = await actingProvider(input);
  const { stakeWei, unbondDelaySeconds } = acting.stake;
  return carryOut(input, acting, {
    does: [
      `You are leased no new jobs from now on. Stop aios-provider first (SIGTERM): it finishes what it can, and cannot register while you leave.`,
      `Your stake of ${formatAios(stakeWei)} AIOS is free after ${durationText(unbondDelaySeconds)}; until then what was put at risk for live leases can still be taken from it. There is no way back before you took it out.`,
    ],
    facts: { stakeWei, unbondDelaySeconds },
    calldata: stakeCalls.unbond(),
    done: `unbonding; take the stake out with 'aios stake withdraw' in ${durationText(unbondDelaySeconds)}`,
  });
}

async function withdraw(input: CommandInput): Promise<number> {
  const acting = await actingProvider(input);
  const { provider, stakeWei } = acting.stake;
  return carryOut(input, acting, {
    does: [
      `Your whole stake of ${formatAios(stakeWei)} AIOS goes to ${provider}, as wrapped AIOS. You may register anew.`,
    ],
    facts: { stakeWei },
    calldata: stakeCalls.withdraw(provider),
    done: `${formatAios(stakeWei)} AIOS are out`,
  });
}

async function actingProvider(input: CommandInput): Promise<Acting> {
  const key = await accountKey(input);
  const client = await accountClient(input);
  const protocol = await client.protocol();
  const account = new ChainAccount(client, protocol.chainId, key);
  const stake = await readProviderStake(client.rpc, protocol, account.address.toLowerCase());
  return { client, protocol, account, stake };
}

/** Tells what will happen and what it costs; sends it where the user said so. Refused before anything is paid where the chain would. */
async function carryOut(
  input: CommandInput,
  { client, protocol, account }: Acting,
  { does, facts, calldata, done }: Plan,
): Promise<number> {
  const to = contractAddress(protocol, "ProviderRegistry");
  const cost = await previewCall(client.rpc, { from: account.address, to, data: calldata });
  const isSent = input.switches.has("yes");
  const told = { provider: account.address.toLowerCase(), does, ...facts, ...cost, sent: isSent };
  if (!input.json)
    input.output.write(
      `${does.join("\n")}\nThe transaction costs at most ${formatAios(cost.feeAtMostWei)} AIOS of gas.\n`,
    );
  if (!isSent) {
    input.output.write(input.json ? jsonLine(told) : "Nothing was sent: say --yes to do it.\n");
    return 0;
  }
  const { transactionHash } = await account.send(to, calldata);
  input.output.write(
    input.json ? jsonLine({ ...told, transactionHash }) : `${done}: transaction ${transactionHash}\n`,
  );
  return 0;
}

const STATES: Readonly<Record<ProviderStake["state"], string>> = {
  unregistered: "not registered",
  active: "active",
  "below-minimum": "leased nothing: the stake is below the minimum",
  unbonding: "leaving",
  withdrawable: "has left: the stake may be taken out",
};

function describe({ provider, state, stakeWei, minimumStakeWei, unbondedAt, atRisk }: ProviderStake): string {
  const lines = [
    `provider ${provider}: ${STATES[state]}`,
    `  staked      ${formatAios(stakeWei)} AIOS, ${formatAios(minimumStakeWei)} at least`,
    `  unbonding   ${unbondedAt === undefined ? "no" : `free from ${new Date(unbondedAt * 1_000).toISOString()}`}`,
    `  at risk     ${atRisk.length === 0 ? "nothing" : "for one refuted job, at most"}`,
    ...atRisk.map(riskLine),
  ];
  return `${lines.join("\n")}\n`;
}

function riskLine({
  maximumWei,
  verification,
  verifier,
  modelCommitment,
  verifyingKeyHash,
}: StakeAtRisk): string {
  return `    ${formatAios(maximumWei)} AIOS under '${verification ?? verifier}'  model ${modelCommitment}  key ${verifyingKeyHash}`;
}

function jsonLine(value: unknown): string {
  const text = JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? one.toString() : one));
  return `${text}\n`;
}

function durationText(count: number): string {
  const days = count / 86_400;
  const [amount, unit] = Number.isInteger(days) && days > 0 ? [days, "day"] : [count, "second"];
  return `${amount} ${unit}${amount === 1 ? "" : "s"}`;
}

function modelIdOf({ positionals: [text = ""] }: CommandInput): bigint {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new UsageError(`'${text}' is no model's id: a whole number from 1.`);
  return BigInt(text);
}

function wayOf(input: CommandInput): Verification {
  const text = required(input, "verification");
  const way = WAYS.find((each) => each === text);
  if (way === undefined) throw new UsageError(`--verification takes ${WAYS.join(", ")}, not '${text}'.`);
  return way;
}

function weiOf(text: string): bigint {
  const match = /^(0|[1-9]\d{0,17})(?:\.(\d{1,18}))?$/.exec(text);
  const wei =
    match === null ? 0n : BigInt(match[1] ?? 0) * WEI_PER_AIOS + BigInt((match[2] ?? "").padEnd(18, "0"));
  if (wei === 0n) throw new UsageError(`--amount is a number of AIOS above 0, not '${text}'.`);
  return wei;
}
