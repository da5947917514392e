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

/**
 * What there is to show of a cache that has ended: what it has counted, what it has left behind where that is still to be shown, and 0 for all
 * else. An SDK would go on with the last value of a series that is not shown any more.
 */
export function endedOf(values: Values, showsLeftBehind: boolean): Values {
  const ended: Values = new Map();
  for (const { name, kind, isLeftBehind = false } of FIGURES) {
    const last = values.get(name);
    if (last === undefined) continue;
    const stays = kind === 'counter' || (isLeftBehind && showsLeftBehind);
    ended.set(name, stays ? last : new Map(Array.from(last.keys(), (namespace) => [namespace, 0])));
  }
  return ended;
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
