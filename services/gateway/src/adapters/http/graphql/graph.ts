/**
 * Which operations are fields of the graph, by their names there. Arguments, answers, access and repetition are those
 * of the operation: nothing about them is said twice. What is not named here is reached over REST alone.
 */
export const QUERIES = {
  protocol: "getProtocol",
  health: "getHealth",
  providers: "listProviders",
  balances: "getBalances",
  contribution: "getContribution",
  model: "getModel",
  models: "listModels",
  capabilities: "listCapabilities",
  purchase: "getPurchase",
  quotes: "quoteJob",
  job: "getJob",
  jobs: "listJobs",
  transaction: "getTransaction",
  receiptProof: "getReceiptProof",
  wrappingKey: "getWrappingKey",
  keyReleases: "listKeyReleases",
} as const;

export const MUTATIONS = {
  createModel: "createModel",
  preparePublication: "preparePublication",
  publishModel: "publishModel",
  preparePurchase: "preparePurchase",
  purchaseLicence: "purchaseLicence",
  depositContentKey: "depositContentKey",
  prepareJob: "prepareJob",
  placeJob: "placeJob",
  prepareAcceptance: "prepareAcceptance",
  acceptJob: "acceptJob",
} as const;

/** A field that leads from one thing to another: the operation, and its path parameters from the thing it starts at. */
export interface Link {
  readonly operation: string;
  /** Undefined where there is nothing to lead to: the field is null then. */
  readonly params: (from: Readonly<Record<string, unknown>>) => Record<string, unknown> | undefined;
}

const ofJob = (operation: string): Link => ({ operation, params: ({ jobId }) => ({ jobId }) });
const toModel: Link = {
  operation: "getModel",
  params: ({ modelId }) => (typeof modelId === "number" ? { id: String(modelId) } : undefined),
};

/** By the type that they start at. What is not found at the other end is null. */
export const LINKS: Readonly<Record<string, Readonly<Record<string, Link>>>> = {
  Job: {
    model: toModel,
    placement: ofJob("explainPlacement"),
    payments: ofJob("listJobPayments"),
    money: ofJob("explainJobMoney"),
    proof: ofJob("getJobProof"),
    receipts: ofJob("listJobReceipts"),
  },
  Model: {
    capabilities: {
      operation: "listCapabilities",
      params: ({ modelId }) => (typeof modelId === "number" ? { id: String(modelId) } : undefined),
    },
  },
  Purchase: { model: toModel },
  Provider: {
    contribution: { operation: "getContribution", params: ({ address }) => ({ address }) },
  },
  Receipt: {
    anchor: { operation: "getReceiptProof", params: ({ receiptId }) => ({ receiptId }) },
  },
};

/** Watches; each answers with the job whenever it changes. */
export const SUBSCRIPTIONS = { jobChanged: "watchJob" } as const;
