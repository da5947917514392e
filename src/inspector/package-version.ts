import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let version: string | undefined;

/** The version of this package, from the manifest nearest to this file. */
export function packageVersion(): string {
  version ??= read(__dirname);
  return version;
}

function read(folder: string): string {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: string };
    return manifest.version ?? 'unknown';
  } catch {
    const above = dirname(folder);
    return above === folder ? 'unknown' : read(above);
  }
}
