import type { BatchObservableResult, Meter, MeterProvider, Observable } from '@opentelemetry/api';
import type { CacheService } from '../../index.js';
import { BACKPLANE_FIGURES, combine, NAMESPACE_FIGURES, type Figure } from './figures.js';
import { NAMESPACE, SCOPE } from './names.js';

/** Values of figures, each by its name, and by namespace; those of the application itself under `undefined`. */
type Values = Map<string, Map<string | undefined, number>>;

const FIGURES: readonly Figure<never>[] = [...NAMESPACE_FIGURES, ...BACKPLANE_FIGURES];

/**
 * The figures of all caches that a meter provider is to measure, read when it collects. Two callbacks for one series would overwrite each
 * other, so there is one for them all, which adds up namespaces of the same name.
 */
export class FigureExport {
  /** How often each is to be measured. */
  readonly #caches = new Map<CacheService, number>();
  /** What caches have counted that are measured no more: a counter must not go down. */
  readonly #counted: Values = new Map();
  readonly #countedBy = new WeakMap<CacheService, Values>();
  readonly #meter: Meter;
  readonly #instruments = new Map<string, Observable>();
  readonly #observe = (result: BatchObservableResult): void => this.#report(result);

  constructor(provider: MeterProvider) {
    this.#meter = provider.getMeter(SCOPE);
    for (const one of FIGURES) this.#instruments.set(one.name, instrument(this.#meter, one));
  }

  /** Measures a cache until the result is called. */
  add(cache: CacheService): () => void {
    if (this.#caches.size === 0)
      this.#meter.addBatchObservableCallback(this.#observe, [...this.#instruments.values()]);
    this.#caches.set(cache, (this.#caches.get(cache) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (!isOver) this.#remove(cache);
      isOver = true;
    };
  }

  #remove(cache: CacheService): void {
    const times = (this.#caches.get(cache) ?? 1) - 1;
    if (times > 0) {
      this.#caches.set(cache, times);
      return;
    }
    this.#caches.delete(cache);
    const before = this.#countedBy.get(cache);
    const counted = countersOf(valuesOf(cache));
    this.#countedBy.set(cache, counted);
    addTo(this.#counted, counted);
    if (before !== undefined) addTo(this.#counted, before, -1);
    if (this.#caches.size === 0)
      this.#meter.removeBatchObservableCallback(this.#observe, [...this.#instruments.values()]);
  }

  #report(result: BatchObservableResult): void {
    const values: Values = new Map();
    addTo(values, this.#counted);
    for (const cache of this.#caches.keys()) {
      addTo(values, valuesOf(cache));
      // It was measured before, and counts on.
      const before = this.#countedBy.get(cache);
      if (before !== undefined) addTo(values, before, -1);
    }
    for (const [name, byNamespace] of values) {
      for (const [namespace, value] of byNamespace)
        result.observe(
          this.#instruments.get(name) as Observable,
          value,
          namespace === undefined ? {} : { [NAMESPACE]: namespace },
        );
    }
  }
}

function instrument(meter: Meter, { name, unit, description, kind }: Figure<never>): Observable {
  const options = { unit, description };
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  if (kind === 'upDownCounter') return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}

function valuesOf(cache: CacheService): Values {
  const values: Values = new Map();
  const namespaces = cache.namespaces();
  for (const figure of NAMESPACE_FIGURES)
    values.set(figure.name, new Map(namespaces.map(({ name, stats }) => [name, figure.valueOf(stats)])));
  const backplane = namespaces.find(({ stats }) => stats.backplane !== undefined)?.stats.backplane;
  if (backplane === undefined) return values;
  for (const figure of BACKPLANE_FIGURES)
    values.set(figure.name, new Map([[undefined, figure.valueOf(backplane)]]));
  return values;
}

function countersOf(values: Values): Values {
  const counters = new Set(FIGURES.filter(({ kind }) => kind === 'counter').map(({ name }) => name));
  return new Map([...values].filter(([name]) => counters.has(name)));
}

function addTo(sums: Values, values: Values, times = 1): void {
  for (const figure of FIGURES) {
    const added = values.get(figure.name);
    if (added === undefined) continue;
    const sum = sums.get(figure.name) ?? new Map<string | undefined, number>();
    sums.set(figure.name, sum);
    for (const [namespace, value] of added)
      sum.set(namespace, combine(figure, sum.get(namespace) ?? 0, times * value));
  }
}
