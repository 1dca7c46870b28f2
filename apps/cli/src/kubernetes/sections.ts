import type { ArchivedEntry } from "@aios/launcher/backup/archive";

/** Hands an archive's entries out part by part, in their order. */
export class Sections {
  readonly #entries: AsyncGenerator<ArchivedEntry>;
  #next: ArchivedEntry | undefined;

  constructor(entries: AsyncGenerator<ArchivedEntry>) {
    this.#entries = entries;
  }

  /** Entries that come now and lie below a directory, by their paths below it. */
  async *below(directory: string): AsyncGenerator<ArchivedEntry> {
    const prefix = `${directory}/`;
    for (
      let entry = await this.#peek();
      entry?.path.startsWith(prefix) === true;
      entry = await this.#peek()
    ) {
      this.#next = undefined;
      yield { ...entry, path: entry.path.slice(prefix.length) };
    }
  }

  /** Reads over what does not lie below one of these directories. */
  async skipTo(directories: readonly string[]): Promise<void> {
    const isWanted = ({ path }: ArchivedEntry): boolean =>
      directories.some((directory) => path.startsWith(`${directory}/`));
    for (let entry = await this.#peek(); entry !== undefined && !isWanted(entry); entry = await this.#peek())
      this.#next = undefined;
  }

  /** Reads to the end, which says that all of it was right. */
  async end(): Promise<void> {
    while ((await this.#peek()) !== undefined) this.#next = undefined;
  }

  async #peek(): Promise<ArchivedEntry | undefined> {
    if (this.#next !== undefined) return this.#next;
    const { done, value } = await this.#entries.next();
    this.#next = done === true ? undefined : value;
    return this.#next;
  }
}
