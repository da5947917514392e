import { CachePersistenceLevel } from '../core/definition/persistence-level.js';
import type { SharingReport, StartReport } from '../core/engine/start-report.js';
import { counted, listed } from '../core/listed.js';

/** Most namespaces that are named, and most characters of a name and of where the database is. */
const MOST = { namespaces: 10, ofName: 40, ofPlace: 200 };

/** The line of a start: where the data is, who else works on it, and the level and the rows of each namespace. */
export function startLine({ database, sharing, namespaces }: StartReport): string {
  const skipped = namespaces.reduce((sum, { load }) => sum + load.skipped, 0);
  const durationMs = namespaces.reduce((sum, { load }) => sum + load.durationMs, 0);
  const where =
    database === undefined
      ? 'without a database'
      : `on ${shortened(database, MOST.ofPlace)}${inCompany(sharing)}, loaded in ${durationMs} ms`;
  const named = namespaces.map(({ name, persistence, load }) => {
    const level = levelName(persistence);
    const isInMemory = persistence === CachePersistenceLevel.MEMORY_ONLY;
    return `${shortened(name, MOST.ofName)} (${isInMemory ? level : `${level}, ${counted(load.rows, 'row')}`})`;
  });
  const what = named.length === 0 ? 'no namespaces' : listed(named, MOST.namespaces);
  const bad = skipped === 0 ? '' : ` ${counted(skipped, 'row')} skipped: see above.`;
  return `Cache started ${where}: ${what}.${bad}`;
}

/** Nothing where the instance is alone. */
function inCompany(sharing: SharingReport | undefined): string {
  if (sharing === undefined) return '';
  const { instances, backplane } = sharing;
  const carrier =
    backplane === undefined ? 'no backplane' : `backplane ${shortened(backplane, MOST.ofPlace)}`;
  return ` (instances: 'many', ${instances} seen, ${carrier})`;
}

/** As it is written in code: `ON_CHANGE`. */
function levelName(persistence: CachePersistenceLevel): string {
  const [name = persistence] =
    Object.entries(CachePersistenceLevel).find(([, value]) => value === persistence) ?? [];
  return name;
}

/** On one line, whatever is in it. */
function shortened(text: string, most: number): string {
  const line = text.replaceAll(/\p{Cc}/gu, ' ');
  return line.length > most ? `${line.slice(0, most)}…` : line;
}
