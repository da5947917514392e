import type { LogNote } from '../../core/sharing/shared-storage.js';
import type { Statement, StatementForm } from '../sql/statement.js';

/** What a statement fails with that has changed fewer rows than it was to. */
const TOO_FEW = 'cache: rows are not as expected';

/**
 * Statements that are one with the note of what they write. Each has a view that takes its parameters, the note, and how many rows
 * it is to change at least. The trigger of the view executes it and leaves the note, or fails, and then neither has been done.
 */
export class NotedForms {
  readonly #views = new Map<string, { readonly name: string; readonly places: number }>();
  /** What makes the views and their triggers. All are the connection's own, and gone with it. */
  readonly preparation: readonly string[];

  /** `insertNote` is followed by the values of a note, `writer`, `n` and `changes`. */
  constructor(forms: readonly StatementForm[], insertNote: string) {
    this.preparation = forms.flatMap(({ name, sql }) => {
      const view = `cache_noted_${name.replaceAll(' ', '_')}`;
      let places = 0;
      const inTrigger = sql.replaceAll('?', () => `NEW.p${(places += 1)}`);
      this.#views.set(name, { name: view, places });
      const parameters = Array.from({ length: places }, (_, i) => `NULL AS p${i + 1}`);
      return [
        `CREATE TEMP VIEW IF NOT EXISTS ${view} AS SELECT ${parameters.join(', ')}, NULL AS due, NULL AS writer, NULL AS n, NULL AS changes`,
        `CREATE TEMP TRIGGER IF NOT EXISTS ${view}_insert INSTEAD OF INSERT ON ${view} BEGIN ${inTrigger}; ` +
          `SELECT RAISE(ABORT, '${TOO_FEW}') WHERE changes() < NEW.due; ` +
          `${insertNote} VALUES (NEW.writer, NEW.n, NEW.changes); END`,
      ];
    });
  }

  /** `statement` with a note in one, which is to change `due` rows at least; `undefined` where there is no such form. */
  withNote(
    { name = '', parameters }: Statement,
    due: number,
    { writer, n, text }: LogNote,
  ): Statement | undefined {
    const view = this.#views.get(name);
    if (view === undefined) return undefined;
    const places = Array.from({ length: view.places + 4 }, () => '?').join(', ');
    return {
      sql: `INSERT INTO ${view.name} VALUES (${places})`,
      parameters: [...parameters, due, writer, n, text],
      name: `${name} noted`,
    };
  }

  isAboutTooFew(message: string): boolean {
    return message.includes(TOO_FEW);
  }
}
