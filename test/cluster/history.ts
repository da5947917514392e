import { readFileSync } from 'node:fs';

/** From and to are milliseconds of the clock that all processes of the host share. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What an operation showed of a list: how long it was, and a digest of its ids. */
export interface View extends Span {
  readonly kind: 'read' | 'appended';
  readonly how: 'get' | 'fresh' | 'memory' | 'update';
  readonly key: string;
  readonly length: number;
  readonly digest: string;
}

export interface Append extends View {
  readonly kind: 'appended';
  readonly id: string;
  /** How often its updater ran. */
  readonly runs: number;
}

interface Begun {
  readonly key: string;
  readonly id: string;
  readonly from: number;
}

/** One life of a worker, from its start to its end. */
export interface LifeHistory {
  readonly name: string;
  readonly worker: number;
  /** How long it was at work, ms; while suspended it was not. */
  readonly workedMs: number;
  /** When it was suspended. */
  readonly stops: readonly Span[];
  readonly views: readonly View[];
  readonly appends: readonly Append[];
  readonly counts: readonly { readonly key: string; readonly id: string; readonly value: number }[];
  /** All writes that were begun. */
  readonly begun: readonly Begun[];
  /** How often each code was given to whom. */
  readonly rejected: ReadonlyMap<string, number>;
}

type Line =
  | (Omit<View, 'how'> & { readonly kind: 'read'; readonly how: View['how'] })
  | Omit<Append, 'how'>
  | { readonly kind: 'counted'; readonly key: string; readonly id: string; readonly value: number }
  | ({ readonly kind: 'begun' } & Begun)
  | { readonly kind: 'rejected'; readonly id: string; readonly code: string };

/** Reads what a worker has noted. */
export function historyOf(
  notes: string,
  life: Pick<LifeHistory, 'name' | 'worker' | 'workedMs' | 'stops'>,
): LifeHistory {
  const views: View[] = [];
  const appends: Append[] = [];
  const counts: LifeHistory['counts'][number][] = [];
  const begun: Begun[] = [];
  const rejected = new Map<string, number>();
  const text = readFileSync(notes, 'utf8');
  // The last line may have been cut by the kill.
  for (const written of text.slice(0, Math.max(0, text.lastIndexOf('\n'))).split('\n')) {
    if (written === '') continue;
    const line = JSON.parse(written) as Line;
    if (line.kind === 'read') views.push(line);
    else if (line.kind === 'begun') begun.push(line);
    else if (line.kind === 'counted') counts.push(line);
    else if (line.kind === 'appended') {
      const append: Append = { ...line, how: 'update' };
      appends.push(append);
      views.push(append);
    } else {
      const what = `${/^\d/.test(line.id) ? 'write' : line.id} ${line.code}`;
      rejected.set(what, (rejected.get(what) ?? 0) + 1);
    }
  }
  return { ...life, views, appends, counts, begun, rejected };
}
