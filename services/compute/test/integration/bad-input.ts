import type { CodedError } from "@aios/kernel/coded-error";
import { JobState, Verification } from "@aios/proto/aios/compute/v1/compute";
import { getBytes, Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { type ComputePlatform, IMAGE } from "../support/compute-platform.js";
import { COLOUR_MODEL, UNLICENSED_MODEL } from "../support/fake-peers.js";
import type { FakeProvider } from "../support/fake-provider.js";

/** What is refused before a job begins, or asked again, on the platform that the job flow runs on. */
export function badInput(running: () => ComputePlatform, provider: () => Promise<FakeProvider>): void {
  describe("bad input", () => {
    const refused = (code: string, facts: Record<string, unknown> = {}) =>
      expect.objectContaining({ code, ...facts });

    it("names the field of an image of the wrong shape", async () => {
      const spec = { inference: { modelId: 1, input: IMAGE.subarray(1) } };
      await expect(running().prepare({ spec })).rejects.toEqual(
        refused("input-shape", { field: "inference.input", kind: "unprocessable" }),
      );
    });

    it("takes an input of the shape that the model declares, whatever it is, and no other", async () => {
      await provider();
      const quote = (input: Uint8Array) =>
        running().as(running().buyer, () =>
          running().client.quoteJob({ spec: { inference: { modelId: COLOUR_MODEL, input } } }),
        );
      expect((await quote(new Uint8Array(12))).quotes.length).toBeGreaterThan(0);
      await expect(quote(IMAGE)).rejects.toMatchObject({
        code: "input-shape",
        field: "inference.input",
        message: "The input must be exactly 12 bytes (3 × 2 × 2, one byte each), not 784.",
      });
      await expect(quote(new Uint8Array(0))).rejects.toMatchObject({ code: "input-size" });
    });

    it.each([
      ["epochs", { epochs: 0 }],
      ["layers", { layers: [784, 10_000, 10] }],
      ["seed", { seed: 2 ** 40 }],
    ])("bounds a training's %s", async (field, change) => {
      const training = {
        dataSet: "mnist-digits",
        seed: 1,
        epochs: 1,
        batchSize: 32,
        layers: [784, 10],
        trainPerClass: 10,
        testPerClass: 10,
        shiftAugmentation: false,
        ...change,
      };
      const request = {
        spec: { training },
        verification: Verification.VERIFICATION_NONE,
        outputRecipientPublicKey: new Uint8Array(32),
      };
      const outcome =
        field === "seed"
          ? running().prepare({
              ...request,
              spec: { training: { ...training, seed: 0xffffffff, epochs: 51 } },
            })
          : running().prepare(request);
      await expect(outcome).rejects.toEqual(refused("training-out-of-range"));
    });

    it("asks for a licence and names its price", async () => {
      await provider();
      const spec = { inference: { modelId: UNLICENSED_MODEL, input: IMAGE } };
      await expect(running().prepare({ spec })).rejects.toEqual(
        refused("licence-required", {
          kind: "payment-required",
          details: expect.objectContaining({ licencePriceWei: "250" }),
        }),
      );
    });

    it("passes on that there is no such model", async () => {
      const spec = { inference: { modelId: 99, input: IMAGE } };
      await expect(running().prepare({ spec })).rejects.toEqual(
        refused("model-not-found", { kind: "not-found" }),
      );
    });

    it("refuses a cap below every offer and names the cheapest", async () => {
      await provider();
      await expect(running().prepare({ priceCapWei: "20" })).rejects.toEqual(
        refused("price-cap-too-low", {
          kind: "conflict",
          details: expect.objectContaining({ capWei: "20", cheapestWei: expect.stringMatching(/^[0-9]+$/) }),
        }),
      );
    });

    it("answers the same key with the same job and refuses another body under it", async () => {
      await provider();
      const idempotencyKey = "same-key";
      const [first, second] = await Promise.all([
        running().prepare({ idempotencyKey }),
        running().prepare({ idempotencyKey }),
      ]);
      expect(second.job?.jobId).toBe(first.job?.jobId);
      expect(second.inputSalt).toEqual(first.inputSalt);
      await expect(running().prepare({ idempotencyKey, priceCapWei: "5001" })).rejects.toEqual(
        refused("idempotency-key-reused", { kind: "conflict" }),
      );
    });

    it("keeps others from a job", async () => {
      await provider();
      const { job } = await running().prepare();
      const stranger = Wallet.createRandom();
      const read = running().as(stranger, () => running().client.getJob({ jobId: job?.jobId ?? "" }));
      await expect(read).rejects.toEqual(refused("not-your-job", { kind: "forbidden" }));
      await expect(running().client.getJob({ jobId: job?.jobId ?? "" })).rejects.toEqual(
        refused("sign-in-required", { kind: "unauthenticated" }),
      );
      const missing = running().as(stranger, () =>
        running().client.getJob({ jobId: `0x${"ab".repeat(32)}` }),
      );
      await expect(missing).rejects.toEqual(refused("job-not-found", { kind: "not-found" }));
    });

    it("refuses missing, malformed and foreign signatures", async () => {
      await provider();
      const { job, toSign } = await running().prepare();
      const jobId = job?.jobId ?? "";
      const place = (signatures: { name: string; signature: Uint8Array }[]) =>
        running().as(running().buyer, () => running().client.placeJob({ jobId, signatures }));
      await expect(place([])).rejects.toEqual(refused("signature-missing", { kind: "unprocessable" }));
      await expect(place([{ name: "order", signature: getBytes("0x1234") }])).rejects.toEqual(
        refused("signature-malformed"),
      );
      const foreign = await running().signatures(toSign, Wallet.createRandom());
      await expect(place(foreign)).rejects.toEqual(
        refused("signature-not-yours", { kind: "unauthenticated" }),
      );
    });

    it("says before placing that the buyer cannot pay", async () => {
      await provider();
      const poor = running().account;
      running().chain.refusedBuyers.set(poor, "ERC20InsufficientBalance");
      const { job, toSign } = await running().prepare();
      const signatures = await running().signatures(toSign);
      const placed = running().as(running().buyer, () =>
        running().client.placeJob({ jobId: job?.jobId ?? "", signatures }),
      );
      await expect(placed).rejects.toEqual(refused("insufficient-funds", { kind: "unprocessable" }));
      running().chain.refusedBuyers.delete(poor);
    });

    it("renews a permit that another one overtook; the order stands", async () => {
      await provider();
      const buyer = running().account;
      const { job, toSign } = await running().prepare();
      const jobId = job?.jobId ?? "";
      const place = (signatures: Awaited<ReturnType<ComputePlatform["signatures"]>>) =>
        running().as(running().buyer, () => running().client.placeJob({ jobId, signatures }));
      const stale = await running().signatures(toSign);
      running().chain.refusedBuyers.set(buyer, "InsufficientAllowance");
      running().chain.permitNonce = 7n;
      const refusal = await place(stale).then(
        () => undefined,
        (error: CodedError) => error,
      );
      expect(refusal).toMatchObject({
        code: "permit-stale",
        details: { permit: { message: { nonce: "7" } } },
      });
      running().chain.refusedBuyers.delete(buyer);
      await expect(place(stale)).rejects.toMatchObject({
        kind: "unauthenticated",
        field: "signatures.permit",
      });
      const order = toSign.filter(({ name }) => name === "order");
      const permit = { name: "permit", typedDataJson: JSON.stringify(refusal?.details["permit"]) };
      await place(await running().signatures([...order, permit]));
      await running().reaches(jobId, JobState.JOB_STATE_SETTLED);
      running().chain.permitNonce = 0n;
    });

    it("asks to sign again when another permit reaches the chain first, and goes on under the same job", async () => {
      await provider();
      const { job, toSign } = await running().prepare();
      const jobId = job?.jobId ?? "";
      const signatures = await running().signatures(toSign);
      const place = () =>
        running().as(running().buyer, () => running().client.placeJob({ jobId, signatures }));
      running().chain.overtakenBuyers.add(running().account);
      await place();
      const asked = await running().reaches(jobId, JobState.JOB_STATE_PREPARED);
      expect(asked.error?.code).toBe("permit-stale");
      expect(running().chain.jobs.has(jobId)).toBe(false);
      await place();
      const settled = await running().reaches(jobId, JobState.JOB_STATE_SETTLED);
      expect(settled.error).toBeUndefined();
      expect(running().chain.payments.filter((payment) => payment.jobId === jobId)).toHaveLength(1);
    });
  });
}
