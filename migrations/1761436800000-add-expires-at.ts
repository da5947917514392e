import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Gives entries an expiry. Rows there are keep none: they never expire. */
export class AddExpiresAt1761436800000 implements MigrationInterface {
  readonly name = 'AddExpiresAt1761436800000';

  async up(queryRunner: QueryRunner): Promise<void> {
    // Plain SQL: TypeORM's addColumn would copy the whole table on SQLite.
    if (!(await queryRunner.hasColumn('cache_storage', 'expires_at'))) {
      await queryRunner.query('ALTER TABLE "cache_storage" ADD COLUMN "expires_at" bigint');
    }
    await queryRunner.query(
      'CREATE INDEX IF NOT EXISTS "idx_cache_expires_at" ON "cache_storage" ("namespace", "expires_at") ' +
        'WHERE "expires_at" IS NOT NULL',
    );
  }

  /** Without the column nothing expires: rows that had an expiry are removed rather than made immortal. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DELETE FROM "cache_storage" WHERE "expires_at" IS NOT NULL');
    await queryRunner.query('DROP INDEX IF EXISTS "idx_cache_expires_at"');
    await queryRunner.query('ALTER TABLE "cache_storage" DROP COLUMN "expires_at"');
  }
}
