import { isCodedError } from "@aios/kernel/coded-error";
import type { SignIn } from "../../../application/sign-in.use-case.js";
import { type GatewayRequest, sessionOf } from "./gateway-request.js";

/** A stream lasts no longer than its session. While the database is away nobody is signed out. Throws `session-expired`. */
export async function checkOpenSession(signIn: SignIn, request: GatewayRequest): Promise<void> {
  try {
    await signIn.checkStillOpen(sessionOf(request));
  } catch (error) {
    if (isCodedError(error) && error.kind === "unauthenticated") throw error;
  }
}
