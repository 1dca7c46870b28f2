import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { jobId } from "@aios/kernel/identifiers";
import type { AgreedTerms } from "../../domain/agreed-terms.js";
import type { LeaseJournal, LeaseRef, StoredLease } from "../../domain/ports.js";
import { writeAtomically } from "./atomic-file.js";

type Part = "terms" | "grant" | "outcome";
const FILE = /^(0x[0-9a-f]{64})-([0-9]{1,16})\.(terms|grant)$/;

/** One file for the terms, one for the grant and one for the outcome of each lease. */
export class FileLeaseJournal implements LeaseJournal {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<FileLeaseJournal> {
    await mkdir(directory, { recursive: true });
    return new FileLeaseJournal(directory);
  }

  async all(): Promise<readonly StoredLease[]> {
    const leases: StoredLease[] = [];
    for (const lease of await this.#with("grant")) {
      const grant = Uint8Array.from(await readFile(this.#file(lease, "grant")));
      leases.push({ ...lease, grant, outcome: await readIfThere(this.#file(lease, "outcome")) });
    }
    return leases;
  }

  async agreed(): Promise<readonly (LeaseRef & { readonly terms: AgreedTerms })[]> {
    const leases = await this.#with("terms");
    return Promise.all(
      leases.map(async (lease) => ({
        ...lease,
        terms: JSON.parse(await readFile(this.#file(lease, "terms"), "utf8")) as AgreedTerms,
      })),
    );
  }

  putTerms(lease: LeaseRef, terms: AgreedTerms): Promise<void> {
    return writeAtomically(this.#file(lease, "terms"), JSON.stringify(terms));
  }

  putGrant(lease: LeaseRef, grant: Uint8Array): Promise<void> {
    return writeAtomically(this.#file(lease, "grant"), grant);
  }

  putOutcome(lease: LeaseRef, outcome: Uint8Array): Promise<void> {
    return writeAtomically(this.#file(lease, "outcome"), outcome);
  }

  /** The grant goes first: without it an outcome that is left over is never sent or worked on again. */
  async remove(lease: LeaseRef): Promise<void> {
    await rm(this.#file(lease, "grant"), { force: true });
    await rm(this.#file(lease, "outcome"), { force: true });
    await rm(this.#file(lease, "terms"), { force: true });
  }

  async #with(part: Part): Promise<readonly LeaseRef[]> {
    const names = (await readdir(this.#directory)).sort();
    return names.flatMap((name) => {
      const match = FILE.exec(name);
      if (match?.[3] !== part) return [];
      return [{ jobId: jobId(match[1]), fencingToken: Number(match[2]) }];
    });
  }

  #file({ jobId: id, fencingToken }: LeaseRef, part: Part): string {
    return join(this.#directory, `${id}-${fencingToken}.${part}`);
  }
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return Uint8Array.from(await readFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
