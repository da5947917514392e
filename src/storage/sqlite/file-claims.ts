import type { DataSource, DataSourceOptions } from 'typeorm';
import { sleep, systemClock } from '../../core/clock.js';
import { ownInstances } from '../../core/sharing/own-instances.js';
import type { ClaimEvents, Instance, InstanceMode, Rival } from '../../core/sharing/shared-storage.js';
import { retryWhileBusy } from '../retry-while-busy.js';
import type { Claims } from '../sql/claims.js';
import type { Connection } from '../sql/connection.js';
import { query } from '../sql/execute.js';
import { hasStopped, InstanceRows, instancesIn } from '../sql/instance-rows.js';
import type { Statement } from '../sql/statement.js';
import type { StrangerWatch } from './stranger-watch.js';
import { LockFile } from './lock-file.js';

/** How long others may have the database locked while the claims are read, or one is written down, ms. */
const ROWS_TIMEOUT_MS = 5000;
/** Those that share the lock have it alone for a moment, one after the other. */
const TRIES = 5;
const TRY_AGAIN_MS = 20;
/** What a row says in the place of a session: the lock tells who lives. */
const SESSION = 'lock file';

/**
 * The claims of instances on a SQLite file: a lock on the file beside it, which the system frees. The rows say who has it.
 */
export class FileClaims implements Claims {
  readonly #rows: InstanceRows;
  readonly #lock: LockFile;

  constructor(
    dataSource: DataSource,
    private readonly connection: Connection,
    /** Tells of commits that nobody should make; `undefined` where the file is not the cache's alone. */
    private readonly strangers: StrangerWatch | undefined,
  ) {
    this.#rows = new InstanceRows(dataSource);
    this.#lock = new LockFile(dataSource.options as DataSourceOptions & { readonly database: string });
  }

  get warning(): string | undefined {
    const { obstacle, path } = this.#lock;
    if (obstacle === undefined) return undefined;
    return (
      `The cache can't make sure that no other process uses its database: the lock file ${path} can't be written (${obstacle}). ` +
      'Let the process write to it and to its folder; until then, see to it that one process uses the database.'
    );
  }

  async prepare(): Promise<void> {
    this.#lock.prepare();
  }

  async join(instance: Instance, events: ClaimEvents): Promise<readonly Rival[]> {
    const isAlone = instance.mode === 'one';
    const rivals = await this.#rivalsOf(instance);
    if (rivals.length > 0) return rivals;
    if (isAlone) this.strangers?.watch(() => events.overwritten());
    const before = isAlone ? this.#rows.removeAll() : this.#rows.remove(instance.writer);
    await this.#write([before, this.#rows.add(instance, SESSION)]);
    return [];
  }

  /** The lock is held until the storage is closed: who is there alone has nobody to show that to. */
  async beat(): Promise<boolean> {
    return true;
  }

  /** Nobody has to know more than that the lock is free. */
  async leave(): Promise<void> {
    this.strangers?.unwatch();
  }

  /** A lock can't be taken from a process that lives. */
  async remove(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    await this.#lock.close();
  }

  async #take(mode: InstanceMode): Promise<boolean> {
    if (mode === 'one') return this.#lock.take('one');
    // It joins anew, by another number.
    if (this.#lock.held === 'many') return true;
    for (let tries = 0; tries < TRIES; tries += 1) {
      // Who has it alone sees that none of the instances in the rows lives any more.
      if (await this.#lock.take('one')) await this.#write([this.#rows.removeAll()]);
      if (await this.#lock.take('many')) return true;
      await sleep(systemClock, TRY_AGAIN_MS);
    }
    return false;
  }

  /** Who is in the way: at the lock, which is taken where nobody is; where there is none, of those of this process alone. */
  async #rivalsOf(instance: Instance): Promise<readonly Rival[]> {
    if (this.#lock.obstacle !== undefined)
      return (await this.#inTheWayOf(instance)).filter(({ writer }) => ownInstances().has(writer));
    if (await this.#take(instance.mode)) return [];
    const inTheWay = await this.#inTheWayOf(instance);
    if (inTheWay.length > 0) return inTheWay;
    return [{ writer: 0, mode: 'one', about: 'another process', beat: undefined }];
  }

  /**
   * Those that are in the way as far as the rows tell: an instance that crashed is still in them. Where there is no lock, they tell of
   * those of this very process.
   */
  async #inTheWayOf({ writer: own, mode }: Instance): Promise<readonly Rival[]> {
    const rows = await retryWhileBusy(
      () => this.connection.read((runner) => query(runner, this.#rows.all())),
      ROWS_TIMEOUT_MS,
    );
    return instancesIn(rows)
      .filter((row) => row.writer !== own && !hasStopped(row) && (mode === 'one' || row.mode === 'one'))
      .map(({ writer, mode: theirs, about }) => ({ writer, mode: theirs, about, beat: undefined }));
  }

  #write(statements: readonly Statement[]): Promise<number> {
    return retryWhileBusy(() => this.connection.write(statements), ROWS_TIMEOUT_MS);
  }
}
