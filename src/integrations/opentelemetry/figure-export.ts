import type { BatchObservableResult, Meter, MeterProvider, Observable } from '@opentelemetry/api';
import type { CacheService } from '../../index.js';
import { addTo, FIGURES, type Values } from './figure-values.js';
import type { Figure } from './figures.js';
import { MeasuredCache } from './measured-cache.js';
import { NAMESPACE, SCOPE } from './names.js';

/** Ends the measuring of a cache. Where its application stops, what the cache counts until it has stopped is still shown. */
export type EndMeasuring = (isEnding?: boolean) => void;

/**
 * The figures of all caches that a meter provider is to measure, read when it collects. Two callbacks for one series would overwrite each
 * other, so there is one for them all, which adds up namespaces of the same name. It stays for good: a counter must not go down, and
 * an SDK collects for the last time when the application has stopped.
 */
export class FigureExport {
  readonly #measured = new Set<MeasuredCache>();
  readonly #byCache = new WeakMap<CacheService, MeasuredCache>();
  /** What caches have counted that are gone. */
  readonly #counted: Values = new Map();
  readonly #instruments = new Map<string, Observable>();

  constructor(provider: MeterProvider) {
    const meter = provider.getMeter(SCOPE);
    for (const one of FIGURES) this.#instruments.set(one.name, instrument(meter, one));
    meter.addBatchObservableCallback((result) => this.#report(result), [...this.#instruments.values()]);
  }

  /** Measures a cache until the result is called. */
  add(cache: CacheService): EndMeasuring {
    this.#sumUpGone();
    const measured = this.#byCache.get(cache) ?? new MeasuredCache(cache);
    this.#byCache.set(cache, measured);
    this.#measured.add(measured);
    measured.begin();
    let isOver = false;
    return (isEnding = false) => {
      if (!isOver) measured.end(isEnding);
      isOver = true;
    };
  }

  /** Of caches that nobody holds any more, what they have counted is enough. */
  #sumUpGone(): void {
    for (const measured of this.#measured) {
      if (!measured.isGone) continue;
      addTo(this.#counted, measured.values());
      this.#measured.delete(measured);
    }
  }

  #report(result: BatchObservableResult): void {
    this.#sumUpGone();
    const values: Values = new Map();
    addTo(values, this.#counted);
    for (const measured of this.#measured) addTo(values, measured.values());
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
