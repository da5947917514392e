import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DataSource, DataSourceOptions } from 'typeorm';
import { CacheError } from '../core/cache-error.js';
import { isDataSource } from '../storage/connection-options.js';

export type GivenConnection = DataSource | DataSourceOptions;

/** Errors of Node's about the module itself: their messages name files and packages. */
const ABOUT_MODULES =
  /^(?:ERR_MODULE_|MODULE_NOT_FOUND|ERR_UNSUPPORTED_DIR_IMPORT|ERR_UNKNOWN_FILE_EXTENSION|ERR_REQUIRE_)/;

/** What the module at `path` exports by default: a DataSource or the options of one. Rejects with `INVALID_OPTION`. */
export async function importConnection(option: string, path: string): Promise<GivenConnection> {
  let connection: unknown;
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
    connection = unwrap(module.default);
  } catch (cause) {
    throw invalid(option, `names a module that can't be loaded: ${reasonOf(cause)}. Check the path`);
  }
  if (typeof connection === 'object' && connection !== null) {
    if (isDataSource(connection) || 'type' in connection) return connection as GivenConnection;
  }
  throw invalid(option, 'names a module whose default export is neither a DataSource nor the options of one');
}

/** A CommonJS module compiled from `export default` has its export one level down. */
function unwrap(exported: unknown): unknown {
  const inner = (exported as { default?: unknown } | null | undefined)?.default;
  return inner ?? exported;
}

/** What the module's own code throws may hold what it connects with. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it throws';
  const { code } = error as NodeJS.ErrnoException;
  const isHarmless = error instanceof SyntaxError || ABOUT_MODULES.test(code ?? '');
  return isHarmless ? error.message : `it throws ${error.name}; node shows it when it runs the module`;
}

function invalid(option: string, what: string): CacheError {
  return new CacheError('INVALID_OPTION', `--${option} ${what}.`, { option });
}
