import type { StoredEntry } from '../../core/storage-adapter.js';

/** A row as the drivers give it. */
export interface StoredRow {
  readonly key: Buffer | string;
  readonly value: string;
  /** Some give a bigint as text, unless the app told them otherwise. */
  readonly expires_at: number | string | null;
}

export function toEntry({ key, value, expires_at: expiresAt }: StoredRow): StoredEntry {
  return { key: textOf(key), value, expiresAt: expiresAt === null ? null : Number(expiresAt) };
}

/** mysql2 gives binary columns as bytes. */
export function textOf(key: Buffer | string): string {
  return typeof key === 'string' ? key : key.toString('utf8');
}
