import { randomUUID } from 'node:crypto';
import { Table, type QueryRunner } from 'typeorm';
import { familyOf, quotedTable } from './database-family.js';
import { isTaken } from './free-name.js';

/** The table whose one row is the identity of the database, beside the cache's table. */
export const IDENTITY_TABLE = 'cache_identity';

export function hasIdentityTable(queryRunner: QueryRunner): Promise<boolean> {
  return isTaken(queryRunner, IDENTITY_TABLE);
}

/** The identity that is stored; `undefined` where there is no row, or no table. */
export async function storedIdentity(queryRunner: QueryRunner): Promise<string | undefined> {
  if (!(await hasIdentityTable(queryRunner))) return undefined;
  const { connection } = queryRunner;
  // Of several rows, which nobody but others could have made, everybody takes the same one.
  const [found] = (await queryRunner.query(
    `SELECT MIN(${connection.driver.escape('id')}) AS "id" FROM ${quotedTable(connection, IDENTITY_TABLE)}`,
  )) as { id: string | Buffer | null }[];
  return found?.id === null || found?.id === undefined ? undefined : String(found.id);
}

/**
 * Makes the table, and the identity, where there is none. Of several at once only one may do so: the cache calls it under
 * the lock of its migrations, and whoever runs these without sees its `CREATE TABLE` fail.
 */
export async function makeIdentity(queryRunner: QueryRunner): Promise<void> {
  if (!(await hasIdentityTable(queryRunner))) await createTable(queryRunner);
  if ((await storedIdentity(queryRunner)) !== undefined) return;
  const { connection } = queryRunner;
  await queryRunner.query(
    `INSERT INTO ${quotedTable(connection, IDENTITY_TABLE)} (${connection.driver.escape('id')}) VALUES ('${randomUUID()}')`,
  );
}

async function createTable(queryRunner: QueryRunner): Promise<void> {
  const { connection } = queryRunner;
  const family = familyOf(queryRunner);
  if (family === 'other') {
    const type = connection.driver.normalizeType({ type: String });
    const columns = [{ name: 'id', type, length: '36', isPrimary: true }];
    await queryRunner.createTable(new Table({ name: IDENTITY_TABLE, columns }));
    return;
  }
  // Of MySQL's character sets some would give it back as bytes, and some engines lose it in a crash.
  const [text, options] = family === 'mysql' ? [' CHARACTER SET ascii', ' ENGINE=InnoDB'] : ['', ''];
  await queryRunner.query(
    `CREATE TABLE ${quotedTable(connection, IDENTITY_TABLE)} ` +
      `(${connection.driver.escape('id')} VARCHAR(36)${text} NOT NULL PRIMARY KEY)${options}`,
  );
}
