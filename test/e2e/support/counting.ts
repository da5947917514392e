/** An answer that told a number. */
interface Answered {
  readonly n: number;
  readonly at: number;
  /** The process that gave it. */
  readonly by: unknown;
}

/**
 * Numbers that a user has the bot remember under a key, each one more than the one before. What was acknowledged is noted, and so is
 * what was told when the bot was asked: it must not be older.
 */
export class Counting {
  /** The last number that was said, acknowledged or not. */
  said = 0;
  /** How long before it was asked for the first number was acknowledged that an answer lacked, ms; 0 for those that lacked none. */
  readonly lags: number[] = [];
  readonly faults: string[] = [];
  readonly #acknowledged: Answered[] = [];
  /** The highest number that each process has told. */
  readonly #told = new Map<unknown, number>();

  constructor(
    readonly key: string,
    /** For how long the other process may tell what it knows from before, ms. */
    private readonly maxStaleMs: number,
  ) {}

  /** The last number that was acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged.at(-1)?.n ?? 0;
  }

  acknowledge(n: number, by: unknown): void {
    this.#acknowledged.push({ n, at: performance.now(), by });
  }

  /** A process was asked at `askedAt`, and told `n`. */
  told(n: number, by: unknown, askedAt: number): void {
    const missed = this.#acknowledged.filter((answer) => answer.n > n && answer.at < askedAt);
    const lag = askedAt - (missed[0]?.at ?? askedAt);
    this.lags.push(lag);
    const what = `${this.key}: ${n} was told, `;
    const before = this.#told.get(by) ?? 0;
    if (n < before) this.faults.push(`${what}and ${before} before by the same process`);
    if (n > this.said) this.faults.push(`${what}which nobody has said`);
    if (missed.some((answer) => answer.by === by))
      this.faults.push(`${what}and the same process knew better`);
    if (lag > this.maxStaleMs) this.faults.push(`${what}${Math.round(lag)} ms after more was acknowledged`);
    this.#told.set(by, Math.max(n, before));
  }
}
