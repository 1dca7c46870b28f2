import type { StakedNode } from "../../domain/staking-state.js";

/** Where a node listens. */
export interface ContactAddress {
  /** 64 hex digits. */
  readonly publicKey: string;
  readonly host: string;
  readonly port: number;
}

/** Who may take part in the network of peers. */
export interface ContactBook {
  add(peer: ContactAddress): void;
  remove(publicKey: string): void;
}

export interface ContactLimits {
  /** Candidates that are met; those with the largest deposits, where more stand. */
  readonly maxContacts: number;
  /** The contact of one account changes no more often. */
  readonly cooldownMs: number;
}

interface Contact {
  readonly nodeKey: string;
  readonly nodeKeySignature: string;
  readonly endpoint: string;
  readonly sinceMs: number;
}

const ENDPOINT = /^([0-9A-Za-z][0-9A-Za-z.-]{0,252}|\[[0-9a-f:]{2,39}\]):([1-9]\d{0,4})$/;
const MAX_PORT = 65_535;

/**
 * Keeps the nodes of those who stand for the honor set in the book of peers, at the addresses that their operators give,
 * where the key itself says that it is theirs, and only those: whoever leaves is forgotten, and a stream of changes costs
 * one change now and then. Keys in `fixed`, those of this node and of its operator's peers, are left alone.
 */
export class CandidateContacts {
  readonly #book: ContactBook;
  readonly #fixed: ReadonlySet<string>;
  readonly #limits: ContactLimits;
  readonly #isProven: (candidate: StakedNode) => boolean;
  readonly #contacts = new Map<string, Contact>();
  /** Which account a key in the book is of. */
  readonly #owners = new Map<string, string>();

  /** `isProven`: whether the candidate's node key named its account. */
  constructor(
    book: ContactBook,
    fixed: ReadonlySet<string>,
    limits: ContactLimits,
    isProven: (candidate: StakedNode) => boolean,
  ) {
    this.#book = book;
    this.#fixed = fixed;
    this.#limits = limits;
    this.#isProven = isProven;
  }

  /** Takes over who stands now. Cost: of the candidates. */
  update(candidates: readonly StakedNode[], nowMs: number): void {
    const present = this.#chosen(candidates);
    const accounts = new Set(present.map(({ account }) => account));
    for (const account of [...this.#contacts.keys()]) if (!accounts.has(account)) this.#forget(account);
    for (const candidate of present) this.#follow(candidate, nowMs);
  }

  #chosen(candidates: readonly StakedNode[]): readonly StakedNode[] {
    const { maxContacts } = this.#limits;
    if (candidates.length <= maxContacts) return candidates;
    const rank = (one: StakedNode, other: StakedNode): number => {
      if (one.isSuspended !== other.isSuspended) return one.isSuspended ? 1 : -1;
      return one.stakeWei > other.stakeWei ? -1 : 1;
    };
    return [...candidates].sort(rank).slice(0, maxContacts);
  }

  #follow(candidate: StakedNode, nowMs: number): void {
    const { account, nodeKey, endpoint, nodeKeySignature } = candidate;
    const known = this.#contacts.get(account);
    const isSame = known?.nodeKeySignature === nodeKeySignature && known.endpoint === endpoint;
    if (isSame && known.nodeKey === nodeKey) return;
    if (known !== undefined && nowMs - known.sinceMs < this.#limits.cooldownMs) return;
    // Who holds the key now gives it up first.
    if ((this.#owners.get(nodeKey) ?? account) !== account) return;
    if (known !== undefined && known.nodeKey !== nodeKey) this.#forget(account);
    this.#contacts.set(account, { nodeKey, nodeKeySignature, endpoint, sinceMs: nowMs });
    if (this.#fixed.has(nodeKey)) return;
    const address = endpoint !== "" && this.#isProven(candidate) ? addressOf(endpoint) : undefined;
    if (address === undefined) {
      this.#release(account, nodeKey);
      return;
    }
    this.#owners.set(nodeKey, account);
    this.#book.add({ publicKey: nodeKey, ...address });
  }

  #forget(account: string): void {
    const contact = this.#contacts.get(account);
    this.#contacts.delete(account);
    if (contact !== undefined) this.#release(account, contact.nodeKey);
  }

  #release(account: string, nodeKey: string): void {
    if (this.#owners.get(nodeKey) !== account) return;
    this.#owners.delete(nodeKey);
    this.#book.remove(nodeKey);
  }
}

function addressOf(endpoint: string): Omit<ContactAddress, "publicKey"> | undefined {
  const [, host, portText] = ENDPOINT.exec(endpoint) ?? [];
  const port = Number(portText);
  return host === undefined || port > MAX_PORT ? undefined : { host: host.replace(/[[\]]/g, ""), port };
}
