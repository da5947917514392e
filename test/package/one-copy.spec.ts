import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Loaded {
  readonly required: readonly string[];
  readonly imported: readonly string[];
  readonly others: readonly string[];
}

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
const modules = Object.keys(exports)
  .filter((subpath) => !subpath.endsWith('.json'))
  .map((subpath) => subpath.replace('.', 'nestjs-durable-cache'));

/** Loads `module` both ways in one process, as what is installed beside CommonJS and ES modules is. */
function loadTwice(module: string): Loaded {
  const script = `
    import { createRequire } from 'node:module';
    const required = createRequire(process.cwd() + '/')(${JSON.stringify(module)});
    const imported = await import(${JSON.stringify(module)});
    const names = Object.keys(required);
    process.stdout.write(JSON.stringify({
      required: names,
      imported: Object.keys(imported),
      others: names.filter((name) => required[name] !== imported[name]),
    }));`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }),
  ) as Loaded;
}

describe.each(modules)('%s, loaded with require and with import', (module) => {
  const { required, imported, others } = loadTwice(module);

  it('is one copy', () => {
    expect(required.length).toBeGreaterThan(0);
    expect(others).toEqual([]);
  });

  it('has every export by its name in ES modules too', () => {
    expect(imported).toEqual(expect.arrayContaining([...required]));
  });
});
