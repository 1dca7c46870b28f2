import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { contentId } from "@aios/core-content-id/content-id";
import type { ContentId } from "@aios/kernel/identifiers";

const NOTE_NAME = /^ba[a-z2-7]{20,}$/;

export interface NotedUpload {
  readonly cid: ContentId;
  readonly sizeBytes: number;
}

/**
 * What this service has pinned, or was about to, and not yet seen accepted: a file for each. A node's pins have no
 * time and may be others'; only what is noted here is ever unpinned by a sweep.
 */
export class UploadJournal {
  constructor(private readonly directory: string) {}

  async open(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
  }

  /** Durable when it resolves. Noting again makes it young. */
  async note({ cid, sizeBytes }: NotedUpload): Promise<void> {
    await writeFile(this.#fileOf(cid), String(sizeBytes), { flush: true });
  }

  async forget(cid: ContentId): Promise<void> {
    await rm(this.#fileOf(cid), { force: true });
  }

  /** When it was last noted, in milliseconds since the Unix epoch. */
  async notedAtMs(cid: ContentId): Promise<number | undefined> {
    return stat(this.#fileOf(cid)).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  }

  async *notedBefore(beforeMs: number): AsyncGenerator<NotedUpload> {
    for (const name of await readdir(this.directory)) {
      if (!NOTE_NAME.test(name)) continue;
      const cid = contentId(name);
      const at = await this.notedAtMs(cid);
      if (at === undefined || at >= beforeMs) continue;
      const size = Number(await readFile(this.#fileOf(cid), "utf8").catch(() => ""));
      yield { cid, sizeBytes: Number.isSafeInteger(size) ? size : 0 };
    }
  }

  #fileOf(cid: ContentId): string {
    return join(this.directory, cid);
  }
}
