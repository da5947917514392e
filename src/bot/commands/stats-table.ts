import type { CacheStats } from '../../index.js';

const HEADINGS = ['namespace', 'level', 'size', 'dirty', 'hits'];
/** Columns of text; the others are figures. */
const LEFT_ALIGNED = 2;

/** The figures of the cache, a line per namespace, narrow enough for a phone. */
export function statsTable(stats: CacheStats): string {
  const rows = Object.entries(stats).map(([name, figures]) => [
    name,
    figures.persistenceLevel,
    String(figures.size),
    String(figures.dirty),
    figures.hits + figures.misses === 0 ? '–' : `${Math.round(figures.hitRate * 100)}%`,
  ]);
  const table = [HEADINGS, ...rows];
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const alignCell = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column < LEFT_ALIGNED ? cell.padEnd(width) : cell.padStart(width);
  };
  return table.map((row) => row.map(alignCell).join('  ')).join('\n');
}
