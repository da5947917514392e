import type { Logger } from 'typeorm';

/** TypeORM's logger prints statements with their parameters, which hold values, and does so for slow ones unasked. */
export const silentLogger: Logger = {
  log: () => undefined,
  logMigration: () => undefined,
  logQuery: () => undefined,
  logQueryError: () => undefined,
  logQuerySlow: () => undefined,
  logSchemaBuild: () => undefined,
};
