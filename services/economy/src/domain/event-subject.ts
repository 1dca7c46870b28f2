import type { EventArgument } from "./chain-block.js";

interface SubjectRule {
  readonly prefix: string;
  readonly argument: string;
}

/** What each contract's events are about. */
const RULES: Readonly<Record<string, Readonly<Record<string, SubjectRule>>>> = {
  JobEscrow: {
    JobOpened: { prefix: "job", argument: "jobId" },
    JobLeased: { prefix: "job", argument: "jobId" },
    JobDelivered: { prefix: "job", argument: "jobId" },
    JobPending: { prefix: "job", argument: "jobId" },
    JobSettled: { prefix: "job", argument: "jobId" },
    JobReleased: { prefix: "job", argument: "jobId" },
    JobRefunded: { prefix: "job", argument: "jobId" },
    JobPayment: { prefix: "job", argument: "jobId" },
  },
  ModelLicence: {
    ModelPublished: { prefix: "model", argument: "modelId" },
    LicencePurchased: { prefix: "licence", argument: "licenceId" },
    Transfer: { prefix: "licence", argument: "tokenId" },
  },
  ProviderRegistry: {
    ProviderRegistered: { prefix: "provider", argument: "provider" },
    ProviderUnbonding: { prefix: "provider", argument: "provider" },
    ProviderLeft: { prefix: "provider", argument: "provider" },
    ProviderSlashed: { prefix: "provider", argument: "provider" },
  },
  ReceiptRegistry: {
    ReceiptsAnchored: { prefix: "batch", argument: "batch" },
  },
};

/** "job:0x…", "licence:7" and so on; empty for events that are about nothing we follow. */
export function subjectOf(
  contract: string,
  name: string,
  args: Readonly<Record<string, EventArgument>>,
): string {
  const rule = RULES[contract]?.[name];
  const value = rule === undefined ? undefined : args[rule.argument];
  return rule === undefined || typeof value !== "string" ? "" : `${rule.prefix}:${value}`;
}
