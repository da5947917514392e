import { Readable } from 'node:stream';
import mysql from 'mysql2/promise';
import { linesOf } from './rows.mjs';

/** MariaDB through `mysql2`, by hand: LOAD DATA with REPLACE. */
export async function openRaw({ url }) {
  const connection = await mysql.createConnection({ uri: url, timezone: 'Z' });
  const write = async (rows) => {
    await connection.query({
      sql: "LOAD DATA LOCAL INFILE 'rows' REPLACE INTO TABLE cache_storage CHARACTER SET utf8mb4 (`namespace`, `key`, `value`, `updated_at`)",
      infileStreamFactory: () => Readable.from(linesOf(rows), { objectMode: false }),
    });
  };
  return {
    form: 'LOAD DATA … REPLACE',
    write,
    writeMany: write,
    async writeOne({ namespace, key, value, updatedAt }) {
      await connection.execute(
        'INSERT INTO cache_storage (`namespace`, `key`, `value`, `expires_at`, `updated_at`) VALUES (?, ?, ?, NULL, ?) ' +
          'ON DUPLICATE KEY UPDATE `value` = VALUES(`value`), `expires_at` = VALUES(`expires_at`), `updated_at` = VALUES(`updated_at`)',
        [namespace, key, value, updatedAt],
      );
    },
    load: async (namespace) =>
      (
        await connection.query('SELECT `key`, `value` FROM cache_storage WHERE `namespace` = ?', [namespace])
      )[0],
    read: async (namespace, keys) =>
      (
        await connection.query(
          'SELECT `key`, `value` FROM cache_storage WHERE `namespace` = ? AND `key` IN (?)',
          [namespace, keys],
        )
      )[0],
    close: () => connection.end(),
  };
}
