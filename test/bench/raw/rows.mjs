import { scatteredKey } from '../support/keys.mjs';

/** The columns of a row, in the order of its parameters. */
export const COLUMNS = 'namespace, key, value, expires_at, updated_at';
export const ON_CONFLICT =
  'ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, updated_at = excluded.updated_at';

export function* chunks(rows, size) {
  for (let start = 0; start < rows.length; start += size) yield rows.slice(start, start + size);
}

export function questionMarks(rows) {
  return rows.map(() => '(?, ?, ?, NULL, ?)').join(', ');
}

export function parametersOf(rows) {
  return rows.flatMap(({ namespace, key, value, updatedAt }) => [namespace, key, value, updatedAt]);
}

/** Rows as lines of tab-separated text, a thousand at a time, with `zone` behind the time: what COPY and LOAD DATA read. */
export function* linesOf(rows, zone = '') {
  for (const chunk of chunks(rows, 1000)) {
    const lines = chunk.map(
      ({ namespace, key, value, updatedAt }) =>
        `${namespace}\t${escape(key)}\t${escape(value)}\t${updatedAt}${zone}\n`,
    );
    yield lines.join('');
  }
}

function escape(text) {
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}

/** A row for the raw forms. */
export function rowOf(namespace, key, value) {
  return { namespace, key: String(key), value: JSON.stringify(value), updatedAt: '2026-01-01 00:00:00.000' };
}

/** So many of them with keys in no order of their own, sorted as a database likes them best. */
export function sortedRows(namespace, count, valueAt) {
  return Array.from({ length: count }, (_, i) => rowOf(namespace, scatteredKey(i), valueAt(i))).sort(
    (a, b) => (a.key < b.key ? -1 : 1),
  );
}
