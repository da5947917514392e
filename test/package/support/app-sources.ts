import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const APPS = resolve(import.meta.dirname, '../apps');
const PACKAGE = 'nestjs-durable-cache';

interface Manifest {
  readonly type?: 'module' | 'commonjs';
  readonly exports?: Readonly<Record<string, unknown>>;
}

/** Copies the sources in the folder `name` of the apps into those of the app in `folder`. */
export async function copySources(name: string, folder: string): Promise<void> {
  for (const file of await readdir(join(APPS, name))) {
    await addSource(folder, join(name, file), await readFile(join(APPS, name, file), 'utf8'));
  }
}

/** Gives the app a source that imports each subpath of the package as it is installed there. */
export async function addSubpaths(folder: string): Promise<void> {
  const { exports = {} } = await manifestIn(join(folder, 'node_modules', PACKAGE));
  const names = Object.keys(exports)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => subpath.replace('.', PACKAGE));
  const imports = names.map((name, i) => `import * as subpath${i} from '${name}';`);
  const entries = names.map((name, i) => `  '${name}': subpath${i},`);
  const text = [...imports, '', 'export const subpaths = {', ...entries, '};', ''].join('\n');
  await addSource(folder, 'subpaths.ts', text);
}

/**
 * A text for ES modules and Vitest as the author of the app in `folder` would write it, who may have CommonJS modules and
 * Jest.
 */
export async function asWrittenFor(folder: string, text: string): Promise<string> {
  const { type } = await manifestIn(folder);
  if (type === 'module') return text;
  return text.replace(/from '(\.[^']+)\.js'/g, "from '$1'").replace(/\bvi\./g, 'jest.');
}

async function addSource(folder: string, path: string, text: string): Promise<void> {
  const target = join(folder, 'src', path);
  await mkdir(join(target, '..'), { recursive: true });
  await writeFile(target, await asWrittenFor(folder, text));
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}
