/** What a wallet shows and signs for a permit of the test token (EIP-712, ERC-2612). */
export interface PermitMessage {
  readonly owner: string;
  readonly spender: string;
  readonly value: string;
  readonly nonce: string;
  readonly deadline: string;
}

export const PERMIT_TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

const DOMAIN_TYPE = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
  { name: "verifyingContract", type: "address" },
];

const CHAIN_ID = 26_070;
/** In 2100. */
const DEADLINE = "4102444800";

export function permitDomain(token: string) {
  return { name: "Permit Token", version: "1", chainId: CHAIN_ID, verifyingContract: token };
}

/** The first permit of an owner. */
export function permitMessage(owner: string, spender: string, value: number): PermitMessage {
  return { owner, spender, value: String(value), nonce: "0", deadline: DEADLINE };
}

/** The document of `eth_signTypedData_v4`. */
export function permitDocument(token: string, message: PermitMessage) {
  return {
    types: { EIP712Domain: DOMAIN_TYPE, ...PERMIT_TYPES },
    primaryType: "Permit",
    domain: permitDomain(token),
    message,
  } as const;
}

/** Arguments of the token's `permit`, from a signature of 65 bytes. */
export function permitArguments({ owner, spender, value, deadline }: PermitMessage, signature: string) {
  const r = `0x${signature.slice(2, 66)}`;
  const s = `0x${signature.slice(66, 130)}`;
  return [owner, spender, value, deadline, String(Number.parseInt(signature.slice(130), 16)), r, s] as const;
}
