import type { QueryRunner } from 'typeorm';
import { familyOf, quotedTable, type DatabaseFamily } from './database-family.js';
import { isTaken } from './free-name.js';

/** The table with a row for each process that works on the cache's table. */
export const INSTANCES_TABLE = 'cache_instances';

/** The table with a row for each commit, which says what that has changed. */
export const CHANGES_TABLE = 'cache_changes';

interface TypeNames {
  /** For what people write, and what a host calls itself. */
  readonly text: string;
  /** For names that are compared. */
  readonly name: string;
  /** For the keys of a whole commit. */
  readonly changes: string;
  /** What ends the `CREATE TABLE` of each table. */
  readonly end: { readonly ofInstances: string; readonly ofChanges: string };
}

const STANDARD: TypeNames = {
  text: 'VARCHAR(255)',
  name: 'VARCHAR(100)',
  changes: 'TEXT',
  end: { ofInstances: '', ofChanges: '' },
};
// A foreign key is no more than a comment in other engines.
const INNODB = ' ENGINE=InnoDB';
const TYPES: Readonly<Record<Exclude<DatabaseFamily, 'other'>, TypeNames>> = {
  // The table is its own index: the note of a commit takes one page, and two otherwise.
  sqlite: { ...STANDARD, end: { ofInstances: '', ofChanges: ' WITHOUT ROWID' } },
  postgres: STANDARD,
  mysql: {
    text: 'VARCHAR(255) CHARACTER SET utf8mb4',
    name: 'VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin',
    changes: 'MEDIUMTEXT CHARACTER SET utf8mb4',
    end: { ofInstances: INNODB, ofChanges: INNODB },
  },
};

export function hasInstanceTables(queryRunner: QueryRunner): Promise<boolean> {
  return isTaken(queryRunner, CHANGES_TABLE);
}

/**
 * Makes both tables where the database is of a kind that many processes can share. The foreign key ends a process whose row is
 * removed: its next commit, which says in the same transaction what it changes, fails as a whole.
 */
export async function makeInstanceTables(queryRunner: QueryRunner): Promise<void> {
  const family = familyOf(queryRunner);
  if (family === 'other') return;
  const { connection } = queryRunner;
  const { text, name, changes, end } = TYPES[family];
  const quoted = (column: string): string => connection.driver.escape(column);
  const instances = quotedTable(connection, INSTANCES_TABLE);
  const writer = quoted('writer');
  if (!(await isTaken(queryRunner, INSTANCES_TABLE))) {
    await queryRunner.query(
      `CREATE TABLE ${instances} (${writer} BIGINT NOT NULL PRIMARY KEY, ${quoted('mode')} ${name} NOT NULL, ` +
        `${quoted('session')} ${name} NOT NULL, ${quoted('about')} ${text} NOT NULL, ${quoted('beat')} BIGINT NOT NULL)${end.ofInstances}`,
    );
  }
  if (await hasInstanceTables(queryRunner)) return;
  await queryRunner.query(
    `CREATE TABLE ${quotedTable(connection, CHANGES_TABLE)} (${writer} BIGINT NOT NULL, ${quoted('n')} BIGINT NOT NULL, ` +
      `${quoted('changes')} ${changes} NOT NULL, PRIMARY KEY (${writer}, ${quoted('n')}), ` +
      `FOREIGN KEY (${writer}) REFERENCES ${instances} (${writer}) ON DELETE CASCADE)${end.ofChanges}`,
  );
}

export async function dropInstanceTables(queryRunner: QueryRunner): Promise<void> {
  for (const table of [CHANGES_TABLE, INSTANCES_TABLE]) {
    if (await isTaken(queryRunner, table))
      await queryRunner.query(`DROP TABLE ${quotedTable(queryRunner.connection, table)}`);
  }
}
