import type { Commit, RowWrite } from '../../core/storage-adapter.js';
import type { ConditionalWrite } from '../sql/dialect.js';
import { countWinners, losersOf, noteOf, type Winners } from './winners.js';

/** Whether each of `rows` is to be stored over one that is there. */
export function areReplacements(rows: readonly RowWrite[]): boolean {
  return rows.every(({ value, expects }) => value !== undefined && typeof expects === 'number');
}

/** True of each row. By such a comparison the planner expects few, and looks each up by the primary key, in the order of the rows. */
const IS_GIVEN = `r.n = r.n || ''`;

const PARAMETERS_OF_A_ROW = 5;

/**
 * Writes of rows over those that are there with the stamps they expect, as commits of updates do. Their texts are kept, and
 * prepared by the server: there is one for each power of two, which takes any smaller number of rows.
 */
export class Replacements {
  readonly #texts = new Map<string, string>();

  /** `most` rows at most are ever written by one statement. */
  constructor(private readonly most: number) {}

  write(
    table: string,
    rows: readonly RowWrite[],
    { now, stamp, logged }: Commit,
    /** The table that takes a note of what has been written. */
    changes?: string,
  ): ConditionalWrite {
    const note = changes === undefined || logged === undefined ? undefined : { changes, ...logged };
    const places = Math.min(2 ** Math.ceil(Math.log2(rows.length)), this.most);
    const parameters: unknown[] = [new Date(now).toISOString(), stamp, rows.length];
    for (const { namespace, key, value, expiresAt, expects } of rows)
      parameters.push(namespace, key, value, expiresAt, expects);
    // What has no namespace is not looked up.
    for (let left = (places - rows.length) * PARAMETERS_OF_A_ROW; left > 0; left -= 1) parameters.push(null);
    if (note !== undefined) parameters.push(note.writer, note.n, stamp);
    const name = `replace up to ${places}${note === undefined ? '' : ', noted'}`;
    return {
      statement: { sql: this.#text(name, table, places, note?.changes), parameters, name },
      losers: ([answer]) => losersOf(rows, answer as Winners),
    };
  }

  #text(name: string, table: string, places: number, changes: string | undefined): string {
    const id = `${name} ${table}`;
    let text = this.#texts.get(id);
    if (text === undefined) {
      text = textOf(table, places, changes);
      this.#texts.set(id, text);
    }
    return text;
  }
}

function textOf(table: string, places: number, changes: string | undefined): string {
  const first = 4;
  const values = Array.from({ length: places }, (_, place) => {
    const p = first + place * PARAMETERS_OF_A_ROW;
    return `($${p}::text, $${p + 1}::text, $${p + 2}::text, $${p + 3}::bigint, $${p + 4}::bigint)`;
  });
  const won =
    `won AS (UPDATE ${table} t SET "value" = r.v, "expires_at" = r.e, "updated_at" = $1::timestamptz, "version" = $2::bigint ` +
    `FROM (VALUES ${values.join(', ')}) AS r(n, k, v, e, x) ` +
    `WHERE ${IS_GIVEN} AND t."namespace" = r.n AND t."key" = r.k AND t."version" = r.x RETURNING r.n, r.k)`;
  const note =
    changes === undefined
      ? ''
      : `, ${noteOf('SELECT n, k FROM won', changes, first + places * PARAMETERS_OF_A_ROW)}`;
  return `WITH ${won}${note} ${countWinners('$3::int')}`;
}
