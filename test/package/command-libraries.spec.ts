import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** The packages of which the command is made. */
const LIBRARIES = ['commander', 'cli-progress'];

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
const modules = Object.keys(exports)
  .filter((subpath) => !subpath.endsWith('.json'))
  .map((subpath) => subpath.replace('.', 'nestjs-durable-cache'));

/** Those of the libraries that are loaded by whoever requires `module`. */
function librariesOf(module: string): string[] {
  const script = `
    require(${JSON.stringify(module)});
    const loaded = Object.keys(require.cache).map((path) => path.split('/node_modules/').at(-1));
    process.stdout.write(JSON.stringify(loaded));`;
  const loaded = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as string[];
  return LIBRARIES.filter((library) => loaded.some((path) => path.startsWith(`${library}/`)));
}

describe('the libraries of the command', () => {
  it.each(modules)('are not loaded by %s', (module) => {
    expect(librariesOf(module)).toEqual([]);
  });

  it('are loaded by the command', () => {
    expect(librariesOf('./dist/src/cli/program.js')).toEqual(LIBRARIES);
  });
});
