import { open } from 'lmdb';
import { newDatabase } from './app.mjs';

/**
 * An LMDB of the bench's own, as durable as it comes: no `noSync`, and a write is durable when `flushed` resolves behind it.
 * Values are JSON texts, as ours are.
 */
export function openLmdb() {
  return open({ path: newDatabase(), noSubdir: true, encoding: 'json' });
}

/** Resolves when the entry is on the disk. */
export async function putDurably(lmdb, key, value) {
  await lmdb.put(key, value);
  await lmdb.flushed;
}
