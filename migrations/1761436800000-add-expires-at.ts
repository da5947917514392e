import { TableColumn, TableIndex, type MigrationInterface, type QueryRunner } from 'typeorm';
import { familyOf, hasCacheTable, hasColumn, isStrict, quotedTable } from './database-family.js';
import { freeName } from './free-name.js';
import { dropIndex, indexNamed } from './indexes.js';
import { refuseToLose } from './refuse-to-lose.js';

const INDEX = 'idx_cache_expires_at';

/** Gives entries an expiry. Rows there are keep none: they never expire. */
export class AddExpiresAt1761436800000 implements MigrationInterface {
  readonly name = 'AddExpiresAt1761436800000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const family = familyOf(queryRunner);
    if (!(await hasColumn(queryRunner, 'expires_at'))) await addColumn(queryRunner);
    if ((await indexNamed(queryRunner, INDEX)) !== undefined) return;
    if (family === 'sqlite' || family === 'postgres') {
      await queryRunner.query(
        `CREATE INDEX "${await freeName(queryRunner, INDEX)}" ON ${quotedTable(queryRunner.connection)} ("namespace", "expires_at") ` +
          'WHERE "expires_at" IS NOT NULL',
      );
    } else if (family === 'mysql') {
      await queryRunner.query(
        `CREATE INDEX \`${INDEX}\` ON \`cache_storage\` (\`namespace\`, \`expires_at\`)`,
      );
    } else {
      await queryRunner.createIndex(
        'cache_storage',
        new TableIndex({ name: INDEX, columnNames: ['namespace', 'expires_at'] }),
      );
    }
  }

  /** Without the column nothing expires: rows that had an expiry are removed rather than made immortal, if it is over. */
  async down(queryRunner: QueryRunner): Promise<void> {
    if (!(await hasCacheTable(queryRunner))) return;
    const table = quotedTable(queryRunner.connection);
    const column = queryRunner.connection.driver.escape('expires_at');
    const which = ` WHERE ${column} > ${Date.now()}`;
    await refuseToLose(queryRunner, {
      what: 'remove',
      which,
      instead: `To keep them for ever, run this, and revert again:\nUPDATE ${table} SET ${column} = NULL${which};`,
    });
    await queryRunner.query(`DELETE FROM ${table} WHERE ${column} IS NOT NULL`);
    const index = await indexNamed(queryRunner, INDEX);
    if (index !== undefined) await dropIndex(queryRunner, index);
    await queryRunner.query(`ALTER TABLE ${table} DROP COLUMN ${column}`);
  }
}

async function addColumn(queryRunner: QueryRunner): Promise<void> {
  const family = familyOf(queryRunner);
  if (family === 'other') {
    const { driver } = queryRunner.connection;
    const type = driver.supportedDataTypes.includes('bigint')
      ? 'bigint'
      : driver.normalizeType({ type: Number });
    await queryRunner.addColumn(
      'cache_storage',
      new TableColumn({ name: 'expires_at', type, isNullable: true }),
    );
    return;
  }
  // Plain SQL: TypeORM's addColumn would copy the whole table on SQLite.
  const column = queryRunner.connection.driver.escape('expires_at');
  const type = family === 'sqlite' && (await isStrict(queryRunner)) ? 'INTEGER' : 'bigint';
  await queryRunner.query(`ALTER TABLE ${quotedTable(queryRunner.connection)} ADD COLUMN ${column} ${type}`);
}
