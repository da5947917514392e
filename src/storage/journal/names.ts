import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const UUID = String.raw`[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}`;
/** What follows the name of the journal: nothing or `more` in a name of the version before. */
const LEFT = new RegExp(String.raw`^(?:\.more-.*|\.claimed-${UUID}|\.[+-]?\d+-[\dT.-]+Z-${UUID})?$`);

/** Where writes are kept that no start replays. */
export type Aside = 'damaged' | 'refused' | 'conflicts';

/** The names of a journal's files: each begins with the journal's own, and is used once. The times in them are for people. */
export class JournalNames {
  constructor(
    private readonly path: string,
    /** The name that the journal had before, whose files are looked for too. */
    private readonly earlierPath: string | undefined,
  ) {}

  /** Of what a stop leaves. */
  left(): string {
    return `${this.path}.${unique()}`;
  }

  /** Of a file that a start has claimed. */
  claimed(): string {
    return `${this.path}.claimed-${randomUUID()}`;
  }

  aside(kind: Aside): string {
    return `${this.path}.${kind}-${unique()}`;
  }

  /** Of a file until it is whole. */
  temporary(): string {
    return `${this.path}.${randomUUID()}.tmp`;
  }

  /** Longer than any other name there may be, and none that a start takes for a journal. */
  trialIn(folder: string): string {
    return join(folder, `${basename(this.path)}.trial-conflicts-${unique()}`);
  }

  /** The files that a start looks at. */
  existing(): string[] {
    const paths = this.earlierPath === undefined ? [this.path] : [this.earlierPath, this.path];
    return paths.flatMap((path) => filesOf(path));
  }
}

function filesOf(path: string): string[] {
  const folder = dirname(path);
  const name = basename(path);
  return namesIn(folder)
    .filter((one) => one.startsWith(name) && LEFT.test(one.slice(name.length)))
    .sort()
    .map((one) => join(folder, one));
}

function unique(): string {
  return `${new Date().toISOString().replaceAll(':', '-')}-${randomUUID()}`;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    // A file may stand where the folder should be.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
