interface Handed<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Promise<Answer>) => void;
}

/**
 * Collects what callers hand in during one turn of the event loop and starts one work on all of it, so that many small
 * callers cost one request. The work answers each of them by its item.
 */
export class TurnBatch<Item, Answer> {
  readonly #work: (items: readonly Item[]) => (item: Item) => Promise<Answer>;
  #handed: Handed<Item, Answer>[] = [];

  constructor(work: (items: readonly Item[]) => (item: Item) => Promise<Answer>) {
    this.#work = work;
  }

  hand(item: Item): Promise<Answer> {
    return new Promise((resolve) => {
      this.#handed.push({ item, resolve });
      if (this.#handed.length === 1) setImmediate(() => this.#workOnAll());
    });
  }

  #workOnAll(): void {
    const handed = this.#handed;
    this.#handed = [];
    const answerOf = this.#work(handed.map(({ item }) => item));
    for (const { item, resolve } of handed) resolve(answerOf(item));
  }
}
