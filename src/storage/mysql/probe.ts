import type { DriverError } from '../driver-error.js';
import { PROBE_VALUES } from '../sql/probe-values.js';
import type { ProbeOptions } from '../sql/table-probe.js';

/** SQLSTATE classes about rows: data, constraints, missing things that a trigger asks for, what a trigger signals. */
const ABOUT_ROWS = new Set(['21', '22', '23', '44', '45']);
/** What has no SQLSTATE of its own, or one in common with what is not about rows. */
const ABOUT_ROWS_BY_CODE = new Set([
  'ER_NO_PARTITION_FOR_GIVEN_VALUE',
  'ER_CHECK_CONSTRAINT_VIOLATED',
  'ER_NO_DEFAULT_FOR_FIELD',
  'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD',
  'ER_INVALID_CHARACTER_STRING',
  'ER_NO_SUCH_TABLE',
  'ER_BAD_FIELD_ERROR',
  'ER_SP_DOES_NOT_EXIST',
  'ER_CANT_UPDATE_USED_TABLE_IN_SF_OR_TRG',
  'ER_COMMIT_NOT_ALLOWED_IN_SF_OR_TRG',
]);

/** A probe of a table of MySQL or MariaDB. No transaction is open there: statements about tables would end it. */
export const MYSQL_PROBE: ProbeOptions = {
  values: PROBE_VALUES,
  keepsTimes: true,
  isRefusal: ({ code = '', sqlState }: DriverError) =>
    ABOUT_ROWS_BY_CODE.has(code) || (sqlState !== undefined && ABOUT_ROWS.has(sqlState.slice(0, 2))),
  begin: async (runner) => {
    await runner.query('START TRANSACTION');
    return async () => {
      await runner.query('ROLLBACK');
    };
  },
};
