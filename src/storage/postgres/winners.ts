import type { RowWrite } from '../../core/storage-adapter.js';

/** The rows that were won. */
export interface Winners {
  readonly count: number;
  /** Their namespaces and keys, where it is not all of them; `null` also for none. */
  readonly those: readonly (readonly [namespace: string, key: string])[] | null;
}

/**
 * What gives {@link Winners} of `won`, whose rows are `n` and `k`, of as many rows as `all` says. As a rule all win: their number says
 * it in one row, where a row for each would take the driver as long as all else here.
 */
export function countWinners(all: string): string {
  return (
    `SELECT count(*)::int AS "count", ` +
    `CASE WHEN count(*) < ${all} THEN (SELECT json_agg(json_build_array(n, k)) FROM won) END AS "those" FROM won`
  );
}

/** Those of `rows` that are not among the winners. */
export function losersOf(rows: readonly RowWrite[], { count, those }: Winners): readonly RowWrite[] {
  if (count === rows.length) return [];
  const won = new Map<string, Set<string>>();
  for (const [namespace, key] of those ?? []) {
    const keys = won.get(namespace);
    if (keys === undefined) won.set(namespace, new Set([key]));
    else keys.add(key);
  }
  return rows.filter((row) => won.get(row.namespace)?.has(row.key) !== true);
}

/** Leaves a note of what `written` gives as `n` and `k`, if that is anything, in the text that `noteOfRows` makes. */
export function noteOf(written: string, changes: string, first: number): string {
  return (
    `note AS (INSERT INTO ${changes} (writer, n, changes) SELECT $${first}::bigint, $${first + 1}::bigint, ` +
    `json_build_object('v', 1, 's', $${first + 2}::bigint, 'c', json_object_agg(w.n, w.k))::text ` +
    `FROM (SELECT u.n, json_agg(u.k) AS k FROM (${written}) u GROUP BY u.n) w HAVING count(*) > 0)`
  );
}
