import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BACKPLANE_FIGURES, NAMESPACE_FIGURES } from '../../../src/integrations/opentelemetry/figures.js';
import { OPERATIONS } from '../../../src/integrations/opentelemetry/operations.js';
import { onPostgres } from '../../support/shops.js';
import { namesIn, unknownIn } from './queries.js';
import { Sdk } from './sdk.js';
import { startTelemetryApp } from './telemetry-app.js';

const [METRICS = '', SPANS = ''] = readFileSync('docs/opentelemetry.md', 'utf8').split('\n## Spans\n');
const DASHBOARD = readFileSync('docs/grafana/nestjs-durable-cache.json', 'utf8');

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string | { readonly query: string } }[] };
}

/** The rows of a table whose first cell is a name. */
function rowsOf(page: string): string[][] {
  return Array.from(page.matchAll(/^\| `(cache\.[\w.]+)` +\|(.*)\|$/gm), ([, name = '', rest = '']) => [
    name,
    ...rest.split('|').map((cell) => cell.trim()),
  ]);
}

const KINDS = { counter: 'counter', upDownCounter: 'up-down counter', gauge: 'gauge' } as const;

describe('the page on OpenTelemetry', () => {
  it('has every metric that there is, with its instrument and its unit, and no other', () => {
    const documented = rowsOf(METRICS).map(([name, instrument, unit]) => [
      name,
      instrument,
      unit?.replaceAll('`', ''),
    ]);
    const figures = [...NAMESPACE_FIGURES, ...BACKPLANE_FIGURES].map(({ name, kind, unit }) => [
      name,
      KINDS[kind],
      unit,
    ]);
    const durations = OPERATIONS.map(({ duration }) => [duration, 'histogram', 's']);
    expect(documented).toEqual([...figures, ...durations]);
  });

  it('has every attribute of spans, and no other', async () => {
    const sdk = await Sdk.start();
    const { carts, drafts } = await startTelemetryApp(sdk);
    await carts.setMany(['a', 'b', 'c'].map((key) => [key, 1]));
    await carts.get('a');
    await drafts.set('a', 1);
    await drafts.flush();
    await sdk.endedSpan('cache.flush');
    const spans = rowsOf(SPANS);
    expect(spans.map(([name]) => name)).toEqual(OPERATIONS.map(({ span }) => span));
    for (const [name = '', , attributes = ''] of spans) {
      const documented = Array.from(attributes.matchAll(/`([^`]+)`/g), ([, attribute]) => attribute);
      const [span] = sdk.named(name);
      expect(new Set(Object.keys(span?.attributes ?? {})), name).toEqual(new Set(documented));
    }
  });
});

describe('the dashboard', () => {
  const { panels, templating } = JSON.parse(DASHBOARD) as Dashboard;
  const queries = [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query])),
  ];

  it.runIf(onPostgres)('asks for nothing but metrics that Prometheus has, and for each of them', async () => {
    const sdk = await Sdk.start();
    const storage = await onPostgres?.();
    if (storage === undefined) return;
    const { carts, drafts } = await startTelemetryApp(sdk, { storage });
    await carts.setMany(['a', 'b', 'c'].map((key) => [key, 1]));
    await carts.get('a');
    await drafts.set('a', 1);
    await drafts.flush();
    await sdk.endedSpan('cache.flush');
    const scrape = await sdk.scrape();
    expect(queries.length).toBeGreaterThan(30);
    expect(unknownIn(queries, scrape)).toEqual([]);
    const shown = queries.map((query) => namesIn(query));
    const exact = new Set(shown.flatMap((names) => names.exact));
    const patterns = shown
      .flatMap((names) => names.patterns)
      .map((pattern) => new RegExp(`^(?:${pattern})$`));
    const missing = [...scrape.names].filter(
      (name) =>
        name.startsWith('cache_') &&
        !/_duration_(?:sum|count)$/.test(name) &&
        !exact.has(name) &&
        !patterns.some((pattern) => pattern.test(name)),
    );
    expect(missing).toEqual([]);
  });

  it('finds metrics with a unit also by the names that a collector gives them', () => {
    const suffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };
    const patterns = queries
      .flatMap((query) => namesIn(query).patterns)
      .map((pattern) => new RegExp(`^(?:${pattern})$`));
    for (const { name, unit } of [
      ...NAMESPACE_FIGURES,
      ...OPERATIONS.map(({ duration }) => ({ name: duration, unit: 's' })),
    ]) {
      const suffix = suffixes[unit];
      if (suffix === undefined) continue;
      const end = name.endsWith('.duration') ? '_bucket' : '';
      const named = name.replaceAll('.', '_');
      for (const one of [`${named}${end}`, `${named}${suffix}${end}`])
        expect(
          patterns.some((pattern) => pattern.test(one)),
          one,
        ).toBe(true);
    }
  });

  it('would be found out if it asked for another one', () => {
    const names = new Set(['cache_hits_total', 'cache_dirty_age']);
    const wrong = [
      'rate(cache_hit_total{cache_namespace=~"a"}[5m])',
      '{__name__=~"cache_age(_seconds)?"}',
      'up',
    ];
    const right = ['rate(cache_hits_total[5m])', '{__name__=~"cache_dirty_age(_seconds)?"}'];
    expect(unknownIn([...wrong, ...right], { names })).toEqual([
      'cache_hit_total',
      'cache_age(_seconds)?',
      'no metric: up',
    ]);
  });
});
