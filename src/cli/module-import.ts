import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CacheError } from '../core/cache-error.js';

/** Errors of Node's about the module itself: their messages name files and packages. */
const ABOUT_MODULES =
  /^(?:ERR_MODULE_|MODULE_NOT_FOUND|ERR_UNSUPPORTED_DIR_IMPORT|ERR_UNKNOWN_FILE_EXTENSION|ERR_REQUIRE_)/;

/** What the module at `path` exports, CommonJS or ESM. Rejects with `INVALID_OPTION` where it can't be loaded. */
export async function importModule(option: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new CacheError(
      'INVALID_OPTION',
      `--${option} names a module that can't be loaded: ${reasonOf(cause)}. Check the path.`,
      { option },
    );
  }
}

/** What the module's own code throws may hold what it connects with. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it throws';
  const { code } = error as NodeJS.ErrnoException;
  const isHarmless = error instanceof SyntaxError || ABOUT_MODULES.test(code ?? '');
  return isHarmless ? error.message : `it throws ${error.name}; node shows it when it runs the module`;
}
