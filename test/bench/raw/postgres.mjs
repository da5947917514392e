import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { linesOf } from './rows.mjs';

/** PostgreSQL through `pg`, by hand: COPY into a temporary table, then one merge. */
export async function openRaw({ url }) {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(
    'CREATE TEMPORARY TABLE incoming (namespace text, key text, value text, updated_at timestamptz)',
  );
  const merge =
    'INSERT INTO cache_storage (namespace, key, value, expires_at, updated_at) ' +
    'SELECT namespace, key, value, NULL, updated_at FROM incoming ' +
    'ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, ' +
    'expires_at = excluded.expires_at, updated_at = excluded.updated_at';
  const write = async (rows) => {
    await client.query('BEGIN');
    await client.query('TRUNCATE incoming');
    await pipeline(
      Readable.from(linesOf(rows, '+00')),
      client.query(copyFrom('COPY incoming (namespace, key, value, updated_at) FROM STDIN')),
    );
    await client.query(merge);
    await client.query('COMMIT');
  };
  return {
    form: 'COPY + merge',
    write,
    writeMany: write,
    async writeOne({ namespace, key, value, updatedAt }) {
      await client.query({
        name: 'one',
        text:
          'INSERT INTO cache_storage (namespace, key, value, expires_at, updated_at) VALUES ($1, $2, $3, NULL, $4) ' +
          'ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, ' +
          'expires_at = excluded.expires_at, updated_at = excluded.updated_at',
        values: [namespace, key, value, `${updatedAt}+00`],
      });
    },
    load: async (namespace) =>
      (await client.query('SELECT key, value FROM cache_storage WHERE namespace = $1', [namespace])).rows,
    read: async (namespace, keys) =>
      (
        await client.query('SELECT key, value FROM cache_storage WHERE namespace = $1 AND key = ANY($2)', [
          namespace,
          keys,
        ])
      ).rows,
    close: () => client.end(),
  };
}
