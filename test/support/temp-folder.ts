import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder of its own for the spec file that calls it; removed when its tests are done. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'durable-cache-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
