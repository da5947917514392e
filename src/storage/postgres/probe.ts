import type { QueryRunner } from 'typeorm';
import { driverErrorOf, type DriverError } from '../driver-error.js';
import { PROBE_VALUES } from '../sql/probe-values.js';
import type { ProbeOptions } from '../sql/table-probe.js';

const NO_TRANSACTION = '25P01';
const NO_RIGHTS = '42501';
/** SQLSTATE classes about the server, the connection, locks and transactions. */
const NOT_ABOUT_ROWS = new Set(['08', '25', '40', '53', '55', '57', '58', 'XX']);

/** A probe of a table of PostgreSQL. */
export const POSTGRES_PROBE: ProbeOptions = {
  values: PROBE_VALUES,
  keepsTimes: true,
  isRefusal: ({ sqlState }: DriverError) =>
    sqlState !== undefined && sqlState !== NO_RIGHTS && !NOT_ABOUT_ROWS.has(sqlState.slice(0, 2)),
  begin: async (runner) => {
    const rollback = await beginPart(runner);
    // What waits for the commit would never be checked.
    await runner.query('SET CONSTRAINTS ALL IMMEDIATE');
    return rollback;
  },
};

/** A part of the transaction there is, such as that of the migrations, or one of its own. */
async function beginPart(runner: QueryRunner): Promise<() => Promise<void>> {
  try {
    await runner.query('SAVEPOINT cache_probe');
  } catch (error) {
    if (driverErrorOf(error).sqlState !== NO_TRANSACTION) throw error;
    await runner.query('BEGIN');
    return async () => {
      await runner.query('ROLLBACK');
    };
  }
  return async () => {
    await runner.query('ROLLBACK TO SAVEPOINT cache_probe');
    await runner.query('RELEASE SAVEPOINT cache_probe');
  };
}
