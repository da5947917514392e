import type { CacheService } from '../../index.js';
import { BACKPLANE_FIGURES, combine, NAMESPACE_FIGURES, type Figure } from './figures.js';

/** Values of figures, each by its name, and by namespace; those of the application itself under `undefined`. */
export type Values = Map<string, Map<string | undefined, number>>;

export const FIGURES: readonly Figure<never>[] = [...NAMESPACE_FIGURES, ...BACKPLANE_FIGURES];

/** What there is to see of a cache now. */
export function valuesOf(cache: CacheService): Values {
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

/** What of it was counted, and so stays true when the cache is gone. */
export function countersOf(values: Values): Values {
  const counters = new Set(FIGURES.filter(({ kind }) => kind === 'counter').map(({ name }) => name));
  return new Map([...values].filter(([name]) => counters.has(name)));
}

export function addTo(sums: Values, values: Values): void {
  for (const figure of FIGURES) {
    const added = values.get(figure.name);
    if (added === undefined) continue;
    const sum = sums.get(figure.name) ?? new Map<string | undefined, number>();
    sums.set(figure.name, sum);
    for (const [namespace, value] of added)
      sum.set(namespace, combine(figure, sum.get(namespace) ?? 0, value));
  }
}
