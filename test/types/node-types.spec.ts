import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/*
 * The declarations of the package, and what the docs have applications write, are compiled with whichever `@types/node` those have. From
 * version 26 on the type of a tracing channel takes its two arguments in the other order.
 */
it.each(['src', 'docs'])('%s gives no type arguments to tracing channels', (folder) => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|md)$/.test(path))
    .map((path) => join(folder, path));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => /\btracingChannel<[\w{]/i.test(readFileSync(file, 'utf8')))).toEqual([]);
});
