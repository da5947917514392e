import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Makes the table, or adopts one of the same shape that is already there, rows and all. */
export class CreateCacheStorage1761350400000 implements MigrationInterface {
  readonly name = 'CreateCacheStorage1761350400000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE IF NOT EXISTS "cache_storage" (
        "namespace" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "value" TEXT NOT NULL,
        "updated_at" TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        PRIMARY KEY ("namespace", "key")
      )`);
    await queryRunner.query(
      'CREATE INDEX IF NOT EXISTS "idx_cache_namespace" ON "cache_storage" ("namespace")',
    );
  }

  /** Removes the table with everything in it. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE IF EXISTS "cache_storage"');
  }
}
