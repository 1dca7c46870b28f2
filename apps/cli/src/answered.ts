import { isCodedError } from "@aios/kernel/coded-error";

/** An answer, or why there is none. */
export type Answered<T> =
  | { readonly known: T }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Takes a refusal as an answer, for what is shown beside other things. */
export async function answered<T>(answer: Promise<T>): Promise<Answered<T>> {
  try {
    return { known: await answer };
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

/** The answer itself, or `{ error }`. */
export function answerJson<T>(answer: Answered<T>): T | Extract<Answered<T>, { readonly error: unknown }> {
  return "known" in answer ? answer.known : answer;
}
