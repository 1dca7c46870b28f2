import { CodedError } from "@aios/kernel/coded-error";
import { bytes32 } from "@aios/kernel/identifiers";
import type { ProverServiceService } from "@aios/proto/aios/prover/v1/prover";
import type { GrpcClient } from "@aios/service-kit/grpc-client";
import { expect, it } from "vitest";
import { ProverKeyMaker } from "./prover.key-maker.js";

function setUpWhere(kind: "unprocessable" | "unavailable") {
  const refusal = new CodedError({
    code: "proof-system-unavailable",
    kind,
    message: "Not here.",
    details: { system: "ultrahonk-bn254" },
  });
  const prover = { setUpKey: () => Promise.reject(refusal) };
  const maker = new ProverKeyMaker(prover as unknown as GrpcClient<typeof ProverServiceService>);
  return maker.setUp("bafkmodel", bytes32(`0x${"01".repeat(32)}`), "honk");
}

it("takes a proof system that no prover makes for a key that cannot be made, with the reason", async () => {
  expect(await setUpWhere("unprocessable")).toEqual({
    kind: "failed",
    failure: {
      code: "proof-system-unavailable",
      message: "Not here.",
      detailsJson: '{"system":"ultrahonk-bn254"}',
    },
  });
});

it("asks again where the prover only does not know yet", async () => {
  await expect(setUpWhere("unavailable")).rejects.toMatchObject({ code: "proof-system-unavailable" });
});
