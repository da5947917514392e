import type { MigrationInterface, QueryRunner } from 'typeorm';
import { quotedTable } from './database-family.js';
import { hasIdentityTable, IDENTITY_TABLE, makeIdentity } from './identity-table.js';

/** Gives the database a random identity, which tells it from any other, wherever it moves. */
export class CreateCacheIdentity1761609600000 implements MigrationInterface {
  readonly name = 'CreateCacheIdentity1761609600000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await makeIdentity(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    if (!(await hasIdentityTable(queryRunner))) return;
    await queryRunner.query(`DROP TABLE ${quotedTable(queryRunner.connection, IDENTITY_TABLE)}`);
  }
}
