import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe } from 'vitest';
import { quotedTable } from '../../migrations/database-family.js';
import { MysqlExactRows } from '../../src/storage/mysql/exact-rows.js';
import { PortableExactRows } from '../../src/storage/portable/exact-rows.js';
import { PostgresExactRows } from '../../src/storage/postgres/exact-rows.js';
import { SqliteExactRows } from '../../src/storage/sqlite/exact-rows.js';
import { mariadbServer, postgresServer } from '../support/services.js';
import { describeExactRows } from './exact-rows-contract.js';
import { sqliteFiles } from './sql-storage.js';

const newFile = sqliteFiles();

describe.each(['sqlite', 'better-sqlite3'] as const)('%s', (type) => {
  const create = async (): Promise<DataSourceOptions> => ({ type, database: newFile() });
  describeExactRows('a file', create, () => new SqliteExactRows());
  describeExactRows(
    'a file, in the words of TypeORM',
    create,
    (dataSource) => new PortableExactRows(dataSource),
  );
});

const postgres = await postgresServer();
describe.skipIf(postgres === undefined)('PostgreSQL', async () => {
  if (postgres === undefined) return;
  const url = await postgres.newDatabase();
  const rowsOf = (dataSource: DataSource): PostgresExactRows =>
    new PostgresExactRows(() => quotedTable(dataSource));
  let schemas = 0;
  const create = async (): Promise<DataSourceOptions> => {
    const schema = `Schema ${(schemas += 1)}`;
    const admin = await new DataSource({ type: 'postgres', url }).initialize();
    await admin.query(`CREATE SCHEMA "${schema}"`);
    await admin.destroy();
    return { type: 'postgres', url, schema };
  };
  describeExactRows('a schema', create, rowsOf);
  describeExactRows(
    'a schema, in the words of TypeORM',
    create,
    (dataSource) => new PortableExactRows(dataSource),
  );

  describeExactRows(
    'a database that takes any bytes',
    async () => {
      const address = new URL(await postgres.newDatabase());
      const database = address.pathname.slice(1);
      await postgres.run(`DROP DATABASE ${database}`);
      await postgres.run(
        `CREATE DATABASE ${database} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`,
      );
      return { type: 'postgres', url: address.href };
    },
    rowsOf,
  );
});

const mariadb = await mariadbServer();
describe.skipIf(mariadb === undefined)('MariaDB', () => {
  if (mariadb === undefined) return;
  describeExactRows(
    'a database',
    async () => ({ type: 'mariadb', url: await mariadb.newDatabase() }),
    () => new MysqlExactRows(() => 16 * 2 ** 20),
  );
});
