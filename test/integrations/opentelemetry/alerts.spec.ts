import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NAMESPACE_FIGURES } from '../../../src/integrations/opentelemetry/figures.js';
import { OPERATIONS } from '../../../src/integrations/opentelemetry/operations.js';
import { onPostgres } from '../../support/shops.js';
import { namesIn, unknownIn } from './queries.js';
import { Sdk } from './sdk.js';
import { startTelemetryApp } from './telemetry-app.js';

const RULES = readFileSync('docs/grafana/alerts.yml', 'utf8');
const PAGE = readFileSync('docs/operations.md', 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly runbook: string;
}

/** The rules of the file, each of which is written in the same way. */
function rules(): Rule[] {
  return RULES.split(/^ {6}- /m)
    .slice(1)
    .map((text) => {
      const [alert, expr, runbook] = ['alert', 'expr', 'runbook_url'].map(
        (name) => new RegExp(`^ *${name}: (.+)$`, 'm').exec(text)?.[1],
      );
      if (alert === undefined || expr === undefined || runbook === undefined)
        throw new Error(`No rule: ${text}`);
      return { alert, expr, runbook };
    });
}

/** The rows of the page's table of rules. */
const ROWS = Array.from(PAGE.matchAll(/^\| `(Cache\w+)` +\| ([^|]+?) +\| [^|]+\| ([^|]+?) +\|$/gm)).map(
  ([, alert = '', figures = '', section = '']) => ({ alert, figures, section }),
);

describe('the alerting rules', () => {
  const queries = rules().map(({ expr }) => expr);

  it.runIf(onPostgres)('ask for nothing but metrics that Prometheus has', async () => {
    const sdk = await Sdk.start();
    const storage = await onPostgres?.();
    if (storage === undefined) return;
    const { carts, cache } = await startTelemetryApp(sdk, { storage });
    await carts.set('a', 1);
    expect(queries.length).toBeGreaterThan(10);
    expect(unknownIn(queries, await sdk.scrape())).toEqual([]);
    const { carts: stats } = cache.getStats();
    const known = new Set([stats, stats?.backplane].flatMap((figures) => Object.keys(figures ?? {})));
    const named = ROWS.flatMap(({ figures }) =>
      Array.from(figures.matchAll(/`(\w+)`/g), ([, name = '']) => name),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it('find metrics with a unit also by the names that a collector gives them', () => {
    const suffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };
    const withUnits = [
      ...NAMESPACE_FIGURES,
      ...OPERATIONS.map(({ duration }) => ({ name: duration, unit: 's' })),
    ]
      .filter(({ unit }) => unit in suffixes)
      .map(({ name, unit }) => ({ name: name.replaceAll('.', '_'), suffix: suffixes[unit] ?? '' }));
    for (const { name, suffix } of withUnits)
      for (const query of queries.filter((one) => one.includes(name))) {
        const [pattern = ''] = namesIn(query).patterns;
        const end = pattern.endsWith('_bucket') ? '_bucket' : '';
        for (const one of [`${name}${end}`, `${name}${suffix}${end}`])
          expect(new RegExp(`^(?:${pattern})$`).test(one), one).toBe(true);
      }
  });

  it('are those of the page, each with the section that it names', () => {
    const shown = ROWS.map(({ alert, section }) => ({ alert, section: /\((.+)\)/.exec(section)?.[1] }));
    const written = rules().map(({ alert, runbook }) => ({
      alert,
      // A whole address, whose beginning people replace: Alertmanager makes a link of it.
      section: /^https:\/\/runbook\.example\/docs\/(runbook\.md#.+)$/.exec(runbook)?.[1],
    }));
    expect(shown).toEqual(written);
  });
});
