import type { MigrationInterface, QueryRunner } from 'typeorm';
import { dropInstanceTables, makeInstanceTables } from './instance-tables.js';

/** Gives the processes on one table a place to say who they are, and what each of their commits has changed. */
export class CreateCacheInstances1761696000000 implements MigrationInterface {
  readonly name = 'CreateCacheInstances1761696000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await makeInstanceTables(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await dropInstanceTables(queryRunner);
  }
}
