import { EVMError } from "@ethereumjs/evm";

const { errorMessages } = EVMError;

/** Geth's words for the library's faults, where they differ. */
const NAMES: ReadonlyMap<string, string> = new Map<string, string>([
  [errorMessages.REVERT, "execution reverted"],
  [errorMessages.INVALID_JUMP, "invalid jump destination"],
  [errorMessages.STATIC_STATE_CHANGE, "write protection"],
  [errorMessages.CREATE_COLLISION, "contract address collision"],
  [errorMessages.CODESIZE_EXCEEDS_MAXIMUM, "max code size exceeded"],
  [errorMessages.CODESTORE_OUT_OF_GAS, "out of gas"],
  [errorMessages.INVALID_BYTECODE_RESULT, "invalid code: must not begin with 0xef"],
  [errorMessages.INITCODE_SIZE_VIOLATION, "out of gas"],
]);

/** Ethereum's name of the fault with which a call ended; `undefined` for none. */
export function faultName(failure: { readonly error: string } | undefined): string | undefined {
  if (failure === undefined) return undefined;
  const message = failure.error.split(" at ")[0] as string;
  return NAMES.get(message) ?? message;
}
