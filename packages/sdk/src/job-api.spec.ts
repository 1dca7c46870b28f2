import {
  jobIdOfOrder,
  type Order,
  orderTypedData,
  permitTypedData,
} from "@aios/core-settlement/order-digest";
import { tokenDomain } from "@aios/core-settlement/permit";
import { typedDataPayload } from "@aios/core-settlement/signed-data";
import { signingDomain } from "@aios/core-settlement/typed-data";
import { inputCommitment } from "@aios/core-zkml/input-commitment";
import { beforeEach, describe, expect, it } from "vitest";
import type { Protocol, SigningRequest, TypedData } from "./api-types.js";
import { AiosClient } from "./client.js";
import { toHex, toHex32 } from "./hex.js";
import { type JobRequest, requestHashOf } from "./job-api.js";
import { type AccountSigner, privateKeySigner } from "./wallet.js";

const address = (digit: string): string => `0x${digit.repeat(40)}`;
const protocol: Protocol = {
  chainId: 8018,
  jsonRpcUrl: "",
  contracts: {
    JobEscrow: address("e"),
    WrappedAios: address("a"),
    Groth16ResultVerifier: address("9"),
    DeliveryResultVerifier: address("8"),
  },
  accounts: { matcher: address("3") },
  protocolFeeBps: 500,
  challengeWindowSeconds: 60,
};
const nowMs = 1_800_000_000_000;
const input = new Uint8Array(784).fill(9);
const salt = new Uint8Array(32).fill(4);
const request: JobRequest = {
  inference: { modelId: 1, input: toHex(input) },
  verification: "proof",
  priceCapWei: 1_000n,
};
const wallet = privateKeySigner(`0x${"a1".repeat(32)}`);

let signed: TypedData[];
const signer: AccountSigner = {
  ...wallet,
  signTypedData: (typedData) => {
    signed.push(typedData);
    return wallet.signTypedData(typedData);
  },
};

interface Proposal {
  readonly order?: Partial<Order>;
  readonly permit?: { owner?: string; spender?: string; value?: bigint; deadline?: bigint };
  readonly chainId?: bigint;
  readonly jobId?: string;
  readonly salt?: Uint8Array;
  readonly extra?: SigningRequest;
}

function proposed({
  order: change = {},
  permit = {},
  chainId = 8018n,
  jobId,
  salt: shownSalt = salt,
  extra,
}: Proposal): unknown {
  const order: Order = {
    buyer: wallet.address,
    jobKind: 2,
    modelId: 1n,
    licenceId: 1n,
    requestHash: requestHashOf(request),
    inputCommitment: toHex32(inputCommitment(input, salt)),
    verifier: address("9"),
    matcher: address("3"),
    maxPriceWei: 1_000n,
    leaseBy: BigInt(nowMs / 1000 + 60),
    deliverWithinSeconds: 60n,
    settleWithinSeconds: 60n,
    nonce: 1n,
    ...change,
  };
  const domain = signingDomain(chainId, address("e"));
  const allowance = {
    owner: wallet.address,
    spender: address("e"),
    value: 1_000n,
    nonce: 0n,
    deadline: BigInt(nowMs / 1000 + 60),
    ...permit,
  };
  const toSign = [
    { name: "order", typedData: typedDataPayload(orderTypedData(domain, order)) },
    {
      name: "permit",
      typedData: typedDataPayload(permitTypedData(tokenDomain(chainId, address("a")), allowance)),
    },
    ...(extra === undefined ? [] : [extra]),
  ];
  return { job: { jobId: jobId ?? jobIdOfOrder(domain, order) }, toSign, inputSalt: toHex(shownSalt) };
}

let answer: unknown;
const client = new AiosClient({
  baseUrl: "http://gateway.test",
  signer,
  clock: { now: () => nowMs as never },
  retries: 0,
  fetch: answerOf,
});

async function answerOf(url: string): Promise<Response> {
  const path = new URL(url).pathname;
  if (path === "/v1/protocol") return Response.json(protocol);
  if (path === "/v1/auth/nonce")
    return Response.json({ nonce: "0123456789abcdef", expiresAtMs: nowMs + 1000, chainId: 8018 });
  if (path === "/v1/auth/siwe")
    return Response.json({ accessToken: "t", expiresAtMs: nowMs + 900_000, account: wallet.address });
  return Response.json(answer);
}

beforeEach(() => {
  signed = [];
});

it("signs an order and a permit that say what was asked", async () => {
  answer = proposed({});
  const prepared = await client.jobs.prepare(request);
  await client.jobs.place(prepared);
  expect(signed.map((each) => each.primaryType)).toEqual(["Order", "Permit"]);
});

describe("jobs of one account that are placed at once", () => {
  /** A gateway whose chain counts permits: one that carries another nonce than the next is stale. */
  function permitCounter() {
    const counted = { next: 0n, placements: 0 };
    const permitAt = (nonce: bigint): unknown =>
      typedDataPayload(
        permitTypedData(tokenDomain(8018n, address("a")), {
          owner: wallet.address,
          spender: address("e"),
          value: 1_000n,
          nonce,
          deadline: BigInt(nowMs / 1000 + 60),
        }),
      );
    const place = (jobId: string): Response => {
      counted.placements += 1;
      const signedPermit = signed.findLast(({ primaryType }) => primaryType === "Permit");
      if (BigInt(String(signedPermit?.message["nonce"])) === counted.next) {
        counted.next += 1n;
        return Response.json({ jobId, state: "funding" });
      }
      const permit = permitAt(counted.next);
      return Response.json({ code: "permit-stale", details: { permit } }, { status: 422 });
    };
    return { counted, place };
  }

  interface FundingGateway {
    place(jobId: string): Response;
    /** States that the job's stream tells. */
    events(jobId: string): string[];
    state?(jobId: string): string;
  }

  function clientOf({ place, events, state = () => "funding" }: FundingGateway): AiosClient {
    return new AiosClient({
      baseUrl: "http://gateway.test",
      signer,
      clock: { now: () => nowMs as never },
      retries: 0,
      fetch: async (url) => {
        const [, , , jobId = "", what] = new URL(url).pathname.split("/");
        if (what === "signatures") return place(jobId);
        if (what === "events") return new Response(events(jobId).map(eventOf(jobId)).join(""));
        if (jobId !== "" && what === undefined) return Response.json({ jobId, state: state(jobId) });
        return answerOf(url);
      },
    });
  }

  const eventOf = (jobId: string) => (state: string, index: number) =>
    `id: ${index}\nevent: job\ndata: ${JSON.stringify({ jobId, state })}\n\n`;

  it("use one permit after the other, each signed for the nonce that is next", async () => {
    const { counted, place } = permitCounter();
    const watched: string[] = [];
    const events = (jobId: string): string[] => {
      watched.push(jobId);
      return ["funded"];
    };
    const placing = clientOf({ place, events });
    answer = proposed({});
    const prepared = await placing.jobs.prepare(request);
    const three = ["one", "two", "three"].map((jobId) => ({ ...prepared, job: { ...prepared.job, jobId } }));
    const jobs = await Promise.all(three.map((one) => placing.jobs.place(one)));
    expect(jobs.map(({ state }) => state)).toEqual(["funding", "funding", "funding"]);
    expect(watched).toEqual(["one", "two"]);
    expect(counted).toMatchObject({ next: 3n, placements: 5 });
  });

  it("are signed anew when another client's permit came first on chain, however many watch, and nobody sees it", async () => {
    const { counted, place } = permitCounter();
    let state = "prepared";
    const placing = clientOf({
      // What was handed in for the permit that is next reaches the chain, except that of the first time.
      place: (jobId) => {
        const placed = place(jobId);
        if (placed.ok && counted.next === 1n) counted.next = 5n;
        else if (placed.ok) state = "funding";
        return placed;
      },
      events: () => ["funding", "prepared", "funding", "funded", "settled"],
      state: () => state,
    });
    answer = proposed({});
    const prepared = await placing.jobs.prepare(request);
    await placing.jobs.place(prepared);
    const seen: string[] = [];
    const watch = () =>
      placing.jobs.wait(prepared.job.jobId, undefined, { onChange: (job) => seen.push(job.state) });
    const [job] = await Promise.all([watch(), watch()]);
    expect(job.state).toBe("settled");
    expect(seen).not.toContain("prepared");
    const permits = signed.filter(({ primaryType }) => primaryType === "Permit");
    expect(permits.map(({ message }) => String(message["nonce"]))).toEqual(["0", "0", "5"]);
  });

  it("are left to the caller when they are overtaken again and again", async () => {
    let placements = 0;
    const placing = clientOf({
      place: (jobId) => {
        placements += 1;
        if (placements === 1) return Response.json({ jobId, state: "funding" });
        const permit = (proposed({}) as { toSign: SigningRequest[] }).toSign[1]?.typedData;
        return Response.json({ code: "permit-stale", details: { permit } }, { status: 422 });
      },
      events: () => ["prepared"],
      state: () => "prepared",
    });
    answer = proposed({});
    const prepared = await placing.jobs.prepare(request);
    await placing.jobs.place(prepared);
    await expect(placing.jobs.wait(prepared.job.jobId)).rejects.toMatchObject({ code: "permit-stale" });
    expect(placements).toBe(1 + 1 + 5);
  });

  it("are watched on when the stream ends with its session", async () => {
    let streams = 0;
    const expired = `event: problem\ndata: ${JSON.stringify({ status: 401, code: "session-expired" })}\n\n`;
    const watching = new AiosClient({
      baseUrl: "http://gateway.test",
      signer,
      clock: { now: () => nowMs as never },
      retries: 0,
      fetch: async (url) => {
        if (!new URL(url).pathname.endsWith("/events")) return answerOf(url);
        streams += 1;
        return new Response(
          streams === 1 ? eventOf("0x01")("leased", 0) + expired : eventOf("0x01")("settled", 1),
        );
      },
    });
    expect((await watching.jobs.wait("0x01")).state).toBe("settled");
    expect(streams).toBe(2);
  });

  it("are only watched by a client that did not place them", async () => {
    const watching = clientOf({
      place: () => expect.unreachable(),
      events: () => ["prepared", "failed"],
    });
    const seen: string[] = [];
    await watching.jobs.wait("0x01", undefined, { onChange: (job) => seen.push(job.state) });
    expect(seen).toEqual(["prepared", "failed"]);
    expect(signed).toEqual([]);
  });
});

describe("refuses to sign what differs from what was asked", () => {
  it.each<[string, Proposal]>([
    ["buyer", { order: { buyer: address("1") } }],
    ["jobKind", { order: { jobKind: 1 } }],
    ["modelId", { order: { modelId: 2n } }],
    ["maxPriceWei", { order: { maxPriceWei: 1_001n } }],
    ["requestHash", { order: { requestHash: toHex32(5n) } }],
    ["verifier", { order: { verifier: address("8") } }],
    ["matcher", { order: { matcher: address("1") } }],
    ["inputCommitment", { order: { inputCommitment: toHex32(1n) } }],
    ["inputCommitment", { salt: new Uint8Array(32).fill(5) }],
    ["leaseBy", { order: { leaseBy: BigInt(nowMs / 1000 - 1) } }],
    ["leaseBy", { order: { leaseBy: BigInt(nowMs / 1000 + 30 * 86_400) } }],
    ["settleWithinSeconds", { order: { settleWithinSeconds: 30n * 86_400n } }],
    ["domain.chainId", { chainId: 1n }],
    ["jobId", { jobId: toHex32(7n) }],
    ["owner", { permit: { owner: address("1") } }],
    ["spender", { permit: { spender: address("1") } }],
    ["value", { permit: { value: 1_001n } }],
    ["deadline", { permit: { deadline: BigInt(nowMs / 1000 + 365 * 86_400) } }],
  ])("%s", async (field, proposal) => {
    answer = proposed(proposal);
    await expect(client.jobs.prepare(request)).rejects.toMatchObject({ code: "typed-data-mismatch", field });
    expect(signed).toEqual([]);
  });

  it("anything more than order and permit", async () => {
    const { toSign } = proposed({}) as { toSign: SigningRequest[] };
    answer = proposed({ extra: { ...(toSign[1] as SigningRequest), name: "another-permit" } });
    await expect(client.jobs.prepare(request)).rejects.toMatchObject({
      code: "typed-data-mismatch",
      field: "toSign",
    });
  });

  it("a type with another field", async () => {
    const proposal = proposed({}) as { toSign: { typedData: { types: Record<string, unknown[]> } }[] };
    const [order] = structuredClone(proposal.toSign);
    order?.typedData.types.Order?.push({ name: "secret", type: "uint256" });
    answer = { ...proposal, toSign: [order, proposal.toSign[1]] };
    await expect(client.jobs.prepare(request)).rejects.toMatchObject({
      code: "typed-data-mismatch",
      field: "types",
    });
  });
});
