import type { z } from "zod";
import { emptyBody, signaturesBody, signingRequests } from "../schemas/common.schemas.js";
import { Operation, type OperationDefinition } from "./operation.js";

/** What one signing step says about itself; the rest is the same for all of them. */
interface SigningStep extends Pick<OperationDefinition, "id" | "summary" | "tag" | "params" | "problems"> {
  readonly answer?: z.ZodType;
  readonly status?: number;
}

/** First half of a change that the account signs: answers the typed data. Takes no body; repeatable by key. */
export function PreparesSignatures(step: SigningStep): MethodDecorator {
  return Operation({
    answer: signingRequests,
    ...step,
    access: "account",
    repetition: "idempotency-key",
    body: emptyBody,
  });
}

/** Second half: takes the signatures, answers 202 and what is under way. Repeatable by key. */
export function TakesSignatures(step: SigningStep & { readonly answer: z.ZodType }): MethodDecorator {
  return Operation({
    status: 202,
    ...step,
    access: "account",
    repetition: "idempotency-key",
    body: signaturesBody,
  });
}
