/** The last so many names that were added: older ones are forgotten. */
export class LastNames {
  readonly #most: number;
  readonly #names = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  add(name: string): void {
    this.#names.delete(name);
    this.#names.add(name);
    if (this.#names.size > this.#most) this.#names.delete(this.#names.keys().next().value as string);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whether it was there. */
  delete(name: string): boolean {
    return this.#names.delete(name);
  }
}
