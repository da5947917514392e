import { createRequire } from 'node:module';
import type { DataSourceOptions } from 'typeorm';

/**
 * The options with sqlite3 as it is. TypeORM asks the driver for long stack traces, and then every call turns all of its
 * parameters into a text for an error that may never come: values of a whole batch, at several times the cost of the call.
 */
export function withoutTraces(options: DataSourceOptions & { type: 'sqlite' }): DataSourceOptions {
  if (options.driver !== undefined) return options;
  const sqlite3 = installed();
  if (sqlite3 === undefined) return options;
  const driver: object = Object.create(sqlite3, { verbose: { value: () => sqlite3 } });
  return { ...options, driver };
}

/** `undefined` where only TypeORM can find it, or nobody. */
function installed(): object | undefined {
  try {
    return createRequire(__filename)('sqlite3') as object;
  } catch {
    return undefined;
  }
}
