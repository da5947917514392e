import { basicCode, type DriverError } from '../driver-error.js';
import { PROBE_VALUES } from '../sql/probe-values.js';
import type { ProbeOptions } from '../sql/table-probe.js';

/** What SQLite says of rows, of triggers and of computed columns. */
const ABOUT_ROWS = new Set(['SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_TOOBIG', 'SQLITE_ERROR']);

/** A probe of a table of SQLite: a part of the transaction there is, or one of its own. */
export const SQLITE_PROBE: ProbeOptions = {
  values: PROBE_VALUES,
  keepsTimes: true,
  isRefusal: ({ code = '' }: DriverError) => ABOUT_ROWS.has(basicCode(code)),
  begin: async (runner) => {
    await runner.query('SAVEPOINT cache_probe');
    return async () => {
      // ON CONFLICT ROLLBACK has ended the transaction.
      await runner.query('ROLLBACK TO cache_probe').catch(() => undefined);
      await runner.query('RELEASE cache_probe').catch(() => undefined);
    };
  },
};
