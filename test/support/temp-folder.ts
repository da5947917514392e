import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Ample for what an installed application leaves on a busy disk. */
const REMOVE_TIMEOUT_MS = 120_000;

/** A folder of its own for the spec file that calls it; removed when its tests are done. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'durable-cache-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }), REMOVE_TIMEOUT_MS);
  return folder;
}
