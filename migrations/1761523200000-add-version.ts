import { TableColumn, type MigrationInterface, type QueryRunner } from 'typeorm';
import { familyOf, hasCacheTable, hasColumn, isStrict, quotedTable } from './database-family.js';

/** Gives each row a stamp that says which write it is of. Rows there are have 0, as has whatever is written without one. */
export class AddVersion1761523200000 implements MigrationInterface {
  readonly name = 'AddVersion1761523200000';

  async up(queryRunner: QueryRunner): Promise<void> {
    if (await hasColumn(queryRunner, 'version')) return;
    const { driver } = queryRunner.connection;
    const family = familyOf(queryRunner);
    if (family === 'other') {
      const type = driver.supportedDataTypes.includes('bigint')
        ? 'bigint'
        : driver.normalizeType({ type: Number });
      await queryRunner.addColumn(
        'cache_storage',
        new TableColumn({ name: 'version', type, isNullable: false, default: '0' }),
      );
      return;
    }
    // Plain SQL: TypeORM's addColumn would copy the whole table on SQLite. In this form databases change what they know of
    // the table, and not its rows: SQLite, PostgreSQL from 11 on, InnoDB of MySQL 8 and MariaDB 10.3.
    const type = family === 'sqlite' && (await isStrict(queryRunner)) ? 'INTEGER' : 'bigint';
    await queryRunner.query(
      `ALTER TABLE ${quotedTable(queryRunner.connection)} ADD COLUMN ${driver.escape('version')} ${type} NOT NULL DEFAULT 0`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    if (!(await hasCacheTable(queryRunner)) || !(await hasColumn(queryRunner, 'version'))) return;
    if (familyOf(queryRunner) === 'other') {
      await queryRunner.dropColumn('cache_storage', 'version');
      return;
    }
    const { connection } = queryRunner;
    await queryRunner.query(
      `ALTER TABLE ${quotedTable(connection)} DROP COLUMN ${connection.driver.escape('version')}`,
    );
  }
}
