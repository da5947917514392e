import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REPOSITORY = resolve(import.meta.dirname, '../../..');

/** Packs what is built, as `nestjs-durable-cache.tgz` in `folder`. */
export async function packInto(folder: string): Promise<void> {
  const packed = join(folder, 'packed');
  await mkdir(packed);
  // Without the script that builds: other tests are running what is built.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', packed];
  const { stdout } = await run('npm', args, { cwd: REPOSITORY });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await cp(join(packed, filename), join(folder, 'nestjs-durable-cache.tgz'));
}

/**
 * Gives the app in `folder` the binary of its dependency `native`. Compiling one takes a minute: where this repository's own
 * install has compiled the very same version, its binary is taken; the rest of the package is the app's own.
 */
export async function buildNative(native: string, folder: string): Promise<void> {
  const theirs = packageOf(native, folder);
  const ours = packageOf(native, REPOSITORY);
  if (ours === undefined || ours.version !== theirs?.version) {
    await run('npm', ['rebuild', native], { cwd: folder });
  } else {
    await cp(join(ours.folder, 'build/Release'), join(theirs.folder, 'build/Release'), { recursive: true });
  }
}

function packageOf(name: string, folder: string): { folder: string; version: string } | undefined {
  const require = createRequire(join(folder, 'package.json'));
  try {
    const path = require.resolve(`${name}/package.json`);
    return { folder: dirname(path), version: (require(path) as { version: string }).version };
  } catch {
    return undefined;
  }
}
