import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { jobId } from "@aios/kernel/identifiers";
import type { LeaseJournal, LeaseRef, StoredLease } from "../../domain/ports.js";
import { writeAtomically } from "./atomic-file.js";

const GRANT = /^(0x[0-9a-f]{64})-([0-9]{1,16})\.grant$/;

/** One file for the grant and one for the outcome of each lease. */
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
    for (const name of (await readdir(this.#directory)).sort()) {
      const match = GRANT.exec(name);
      if (match === null) continue;
      const lease = { jobId: jobId(match[1]), fencingToken: Number(match[2]) };
      const grant = Uint8Array.from(await readFile(this.#file(lease, "grant")));
      leases.push({ ...lease, grant, outcome: await readIfThere(this.#file(lease, "outcome")) });
    }
    return leases;
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
  }

  #file({ jobId: id, fencingToken }: LeaseRef, part: "grant" | "outcome"): string {
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
