import type { DataSource, DataSourceOptions } from 'typeorm';
import { CacheError } from '../core/cache-error.js';
import { isDataSource } from '../storage/connection-options.js';
import { importModule } from './module-import.js';

export type GivenConnection = DataSource | DataSourceOptions;

/** What the module at `path` exports by default: a DataSource or the options of one. Rejects with `INVALID_OPTION`. */
export async function importConnection(option: string, path: string): Promise<GivenConnection> {
  const connection = unwrap((await importModule(option, path))['default']);
  if (typeof connection === 'object' && connection !== null) {
    if (isDataSource(connection) || 'type' in connection) return connection as GivenConnection;
  }
  throw new CacheError(
    'INVALID_OPTION',
    `--${option} names a module whose default export is neither a DataSource nor the options of one.`,
    { option },
  );
}

/** A CommonJS module compiled from `export default` has its export one level down. */
function unwrap(exported: unknown): unknown {
  const inner = (exported as { default?: unknown } | null | undefined)?.default;
  return inner ?? exported;
}
