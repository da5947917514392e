import { CacheError } from '../../core/cache-error.js';
import { decodeLine, firstLineOf } from './lines.js';

const KIND = 'nestjs-durable-cache';
/** Knew neither databases nor stamps. */
const EARLIER_VERSION = 1;
const VERSION = 2;

/** What a file says of itself on its first line. */
export interface JournalHeader {
  readonly version: number;
  /** Whether an earlier version has written it, which knew no stamps. */
  readonly isUnstamped: boolean;
  /** The identity of the database that it is for; `undefined` where none is named. */
  readonly database: string | undefined;
  /** The prefixes of the stamps of the process that has left it. */
  readonly prefixes: readonly number[];
  /** The process that has left it; `undefined` where none is named. */
  readonly process: string | undefined;
  /** Where the file stands among those of its process. */
  readonly part: number;
}

/** The first line of a file of today's version. */
export function headerLine({
  database,
  prefixes,
  process,
  part,
}: Pick<JournalHeader, 'database' | 'prefixes' | 'process' | 'part'>): object {
  return { journal: KIND, version: VERSION, database: database ?? null, prefixes, process, part };
}

/** What the first line of `file` says. Throws `JOURNAL_NOT_UNDERSTOOD` where it is not one of ours, or of a newer version. */
export function headerOf(file: string): JournalHeader {
  const line = decodeLine(firstLineOf(file));
  if (line === undefined || !isOurs(line)) {
    throw notUnderstood(
      `${file} is no rescue journal that can be understood: its first line is damaged, or another program's.`,
      'To start, move it away.',
    );
  }
  const { version, database, prefixes = [], process, part = 0 } = line;
  if (version !== VERSION && version !== EARLIER_VERSION) {
    throw notUnderstood(
      `${file} is a rescue journal of version ${version}, which a newer release of nestjs-durable-cache has left.`,
      'Start that release again, or move the file away to start without the writes in it.',
    );
  }
  return {
    version,
    isUnstamped: version === EARLIER_VERSION,
    database: database ?? undefined,
    prefixes,
    process,
    part,
  };
}

type HeaderLine = Partial<Omit<JournalHeader, 'database' | 'version'>> & {
  readonly version: number;
  readonly database?: string | null;
};

function isOurs(line: object): line is HeaderLine {
  return 'journal' in line && line.journal === KIND && 'version' in line && Number.isInteger(line.version);
}

function notUnderstood(what: string, remedy: string): CacheError {
  return new CacheError('JOURNAL_NOT_UNDERSTOOD', `${what} It is left as it is. ${remedy}`);
}
