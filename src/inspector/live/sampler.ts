import type { CacheTimer, Clock } from '../../core/clock.js';
import type { NamespaceStats, NamespaceSummary } from '../../core/definition/namespace-stats.js';

/** Between two samples, ms, and how many are kept: five minutes of them. */
const EVERY_MS = 2000;
const KEPT = 150;

/** What a namespace did between two samples, and how it was at the second. */
interface NamespaceSample {
  readonly size: number;
  /** Of the reads in between; `null` where there were none. */
  readonly hitRate: number | null;
  readonly hitsPerSecond: number;
  readonly missesPerSecond: number;
  /** Calls that write. */
  readonly writesPerSecond: number;
  readonly dirty: number;
  readonly waiting: number;
}

export interface Sample {
  /** Wall-clock ms. */
  readonly at: number;
  readonly namespaces: Readonly<Record<string, NamespaceSample>>;
}

interface Counted {
  readonly hits: number;
  readonly misses: number;
  readonly writes: number;
}

const NOTHING: Counted = { hits: 0, misses: 0, writes: 0 };

/** Takes a sample of the figures now and then, so that a page that is opened shows the minutes before, too. */
export class Sampler {
  readonly #samples: Sample[] = [];
  #counted = new Map<string, Counted>();
  #takenAt = 0;
  #timer: CacheTimer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly summaries: () => readonly NamespaceSummary[],
    private readonly taken: (sample: Sample) => void,
  ) {}

  /** The last minutes, the oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Calls that write to a namespace, by the last sample. */
  writesPerSecond(namespace: string): number {
    return this.#samples.at(-1)?.namespaces[namespace]?.writesPerSecond ?? 0;
  }

  start(): void {
    this.#takenAt = this.clock.monotonic();
    for (const { name, stats } of this.summaries()) this.#counted.set(name, countedIn(stats));
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.clock.setTimer(
      EVERY_MS,
      () => {
        this.#schedule();
        this.#take();
      },
      false,
    );
  }

  #take(): void {
    const now = this.clock.monotonic();
    const seconds = Math.max(1, now - this.#takenAt) / 1000;
    this.#takenAt = now;
    const counted = new Map<string, Counted>();
    // A namespace may be called __proto__.
    const namespaces = Object.create(null) as Record<string, NamespaceSample>;
    for (const { name, stats } of this.summaries()) {
      const is = countedIn(stats);
      counted.set(name, is);
      namespaces[name] = sampleOf(stats, is, this.#counted.get(name) ?? NOTHING, seconds);
    }
    this.#counted = counted;
    const sample = { at: this.clock.now(), namespaces };
    this.#samples.push(sample);
    if (this.#samples.length > KEPT) this.#samples.shift();
    this.taken(sample);
  }
}

function countedIn({ hits, misses, sets, updates, deletes }: NamespaceStats): Counted {
  return { hits, misses, writes: sets + updates + deletes };
}

function sampleOf(stats: NamespaceStats, is: Counted, was: Counted, seconds: number): NamespaceSample {
  const hits = is.hits - was.hits;
  const misses = is.misses - was.misses;
  return {
    size: stats.size,
    hitRate: hits + misses === 0 ? null : hits / (hits + misses),
    hitsPerSecond: hits / seconds,
    missesPerSecond: misses / seconds,
    writesPerSecond: (is.writes - was.writes) / seconds,
    dirty: stats.dirty,
    waiting: stats.waiting,
  };
}
