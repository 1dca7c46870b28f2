/** Domain of `WrappedAios`, whose ERC-2612 permits do not use the "AiOS" domain. */
export const TOKEN_DOMAIN_NAME = "Wrapped AIOS";
export const TOKEN_DOMAIN_VERSION = "1";

export interface TokenDomain {
  readonly name: typeof TOKEN_DOMAIN_NAME;
  readonly version: typeof TOKEN_DOMAIN_VERSION;
  readonly chainId: bigint;
  readonly verifyingContract: string;
}

export function tokenDomain(chainId: bigint | number, wrappedAios: string): TokenDomain {
  return {
    name: TOKEN_DOMAIN_NAME,
    version: TOKEN_DOMAIN_VERSION,
    chainId: BigInt(chainId),
    verifyingContract: wrappedAios,
  };
}

/** What the contracts take besides a signed action: Solidity's `TokenPermit`. */
export interface TokenPermit {
  readonly valueWei: bigint;
  readonly deadline: bigint;
  /** 65 bytes (r, s, v) as 0x hex, or "0x". */
  readonly signature: string;
}

/** For a payer whose allowance suffices already. */
export const NO_PERMIT: TokenPermit = { valueWei: 0n, deadline: 0n, signature: "0x" };

export function tokenPermit(
  permit: { readonly value: bigint; readonly deadline: bigint },
  signature: string,
): TokenPermit {
  return { valueWei: permit.value, deadline: permit.deadline, signature };
}
