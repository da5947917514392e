import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The table's name. It is the same in every database, and no `entityPrefix` applies. */
export const CACHE_TABLE = 'cache_storage';

/** One stored entry of one namespace. For looking at the table with TypeORM: writes belong to the cache. */
@Entity({ name: CACHE_TABLE })
@Index('idx_cache_namespace', ['namespace'])
@Index('idx_cache_expires_at', ['namespace', 'expiresAt'], { where: '"expires_at" IS NOT NULL' })
export class CacheStorage {
  @PrimaryColumn({ type: 'text' })
  namespace!: string;

  /** The encoded key. */
  @PrimaryColumn({ type: 'text' })
  key!: string;

  /** The encoded value: JSON for namespaces declared with `json()`. */
  @Column({ type: 'text' })
  value!: string;

  /** When the row was last written, UTC. */
  @Column({ name: 'updated_at', type: 'datetime', nullable: true, default: () => 'CURRENT_TIMESTAMP' })
  updatedAt!: Date | null;

  /** Wall-clock milliseconds since the Unix epoch from which the entry counts as absent; `null` for never. */
  @Column({ name: 'expires_at', type: 'bigint', nullable: true })
  expiresAt!: number | null;
}
