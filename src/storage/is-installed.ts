import { createRequire } from 'node:module';

/** Whether `module` is found from here, or from where another module is. */
export function isInstalled(module: string, from?: string): boolean {
  try {
    const own = createRequire(__filename);
    (from === undefined ? own : createRequire(own.resolve(from))).resolve(module);
    return true;
  } catch {
    return false;
  }
}
