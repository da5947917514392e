/** The end of an append, as its caller was told. */
export type Outcome = 'acknowledged' | 'unknown' | 'not written';

interface Append {
  readonly id: string;
  readonly begunAt: number;
  endedAt: number;
  outcome: Outcome;
}

/**
 * The oracle of lists that only grow, by what their users see and nothing else: the final list is the order of the appends
 * (the idea of Elle's list-append). Linear in what has happened.
 */
export class ListChecker {
  readonly #appends: Append[] = [];
  readonly #reads: (readonly string[])[] = [];
  #clock = 0;

  constructor(private readonly name: string) {}

  /** An append is called; gives what is to be called at its end. */
  begin(id: string): (outcome: Outcome) => void {
    const append: Append = { id, begunAt: (this.#clock += 1), endedAt: Infinity, outcome: 'unknown' };
    this.#appends.push(append);
    return (outcome) => {
      append.endedAt = this.#clock += 1;
      append.outcome = outcome;
    };
  }

  read(list: readonly string[]): void {
    this.#reads.push(list);
  }

  /** Throws where the final list contradicts what callers were told. */
  assertHolds(final: readonly string[]): void {
    const places = new Map(final.map((id, place) => [id, place]));
    if (places.size !== final.length) throw this.#broken(`holds an id twice: ${final.join()}`);
    for (const { id, outcome } of this.#appends) {
      if (outcome === 'acknowledged' && !places.has(id))
        throw this.#broken(`lacks ${id}, which was acknowledged`);
      if (outcome === 'not written' && places.has(id))
        throw this.#broken(`holds ${id}, which was not to be written`);
    }
    for (const list of this.#reads)
      if (list.some((id, place) => final[place] !== id))
        throw this.#broken(`was read as ${list.join()}, and became ${final.join()}`);
    this.#assertOrder(places);
  }

  /** What was appended after another append was acknowledged stands behind it. */
  #assertOrder(places: ReadonlyMap<string, number>): void {
    const events = this.#appends
      .filter(({ id }) => places.has(id))
      .flatMap(({ id, begunAt, endedAt, outcome }) => {
        const place = places.get(id) as number;
        const begun = { at: begunAt, place, isEnd: false, id };
        return outcome === 'acknowledged' ? [begun, { at: endedAt, place, isEnd: true, id }] : [begun];
      })
      .toSorted((one, other) => one.at - other.at);
    let last = -1;
    for (const { place, isEnd, id } of events) {
      if (isEnd) last = Math.max(last, place);
      else if (place < last)
        throw this.#broken(`has ${id} before what had been acknowledged when it was called`);
    }
  }

  #broken(what: string): Error {
    return new Error(`The list ${this.name} ${what}.`);
  }
}
