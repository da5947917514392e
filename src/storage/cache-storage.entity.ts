import { Column, CreateDateColumn, Entity, PrimaryColumn, type ValueTransformer } from 'typeorm';

/** The table's name. It is the same in every database, and no `entityPrefix` applies. */
export const CACHE_TABLE = 'cache_storage';

/** MySQL and MariaDB have binary columns for keys, which come as bytes. */
const fromBytes: ValueTransformer = {
  from: (stored: unknown) => (Buffer.isBuffer(stored) ? stored.toString('utf8') : stored),
  to: (text: unknown) => text,
};

/** Drivers give a bigint as text. */
const toNumber: ValueTransformer = {
  from: (stored: unknown) => (typeof stored === 'string' ? Number(stored) : stored),
  to: (number: unknown) => number,
};

/**
 * One stored entry of one namespace. For looking at the table with TypeORM: writes belong to the cache.
 *
 * `synchronize` of an app's DataSource leaves the table alone: its types are the database's own, which a decorator can't
 * name for several databases at once, and to "correct" a column TypeORM would drop it. The migrations make the table,
 * the same one on every path.
 */
@Entity({ name: CACHE_TABLE, synchronize: false })
export class CacheStorage {
  @PrimaryColumn({ type: String, transformer: fromBytes })
  namespace!: string;

  /** The encoded key. */
  @PrimaryColumn({ type: String, transformer: fromBytes })
  key!: string;

  /** The encoded value: JSON for namespaces declared with `json()`. */
  @Column({ type: 'text' })
  value!: string;

  /** When the row was last written, UTC. On MySQL and MariaDB a connection reads it right with `timezone: 'Z'`. */
  // So that the driver names the type. TypeORM would compare `type: Date` with the global `Date`, which fake timers replace.
  @CreateDateColumn({ name: 'updated_at', nullable: true, default: () => 'CURRENT_TIMESTAMP' })
  updatedAt!: Date | null;

  /** Wall-clock milliseconds since the Unix epoch from which the entry counts as absent; `null` for never. */
  @Column({ name: 'expires_at', type: 'bigint', nullable: true, transformer: toNumber })
  expiresAt!: number | null;

  /**
   * The stamp of the write that the row is of: a safe integer, which says nothing but whether two rows are of one write. 0 for
   * what was written without one.
   */
  @Column({ type: 'bigint', default: 0, transformer: toNumber })
  version!: number;
}
