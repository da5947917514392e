import type { DataSource, QueryRunner } from 'typeorm';
import type { ClaimEvents, Instance, Rival } from '../../core/sharing/shared-storage.js';
import type { Writer } from '../../core/storage-adapter.js';
import { driverErrorOf } from '../driver-error.js';
import type { Claims } from './claims.js';
import type { ConnectionPool } from './connection-pool.js';
import { execute, query } from './execute.js';
import { hasStopped, InstanceRows, instancesIn, type InstanceRow } from './instance-rows.js';
import type { KeptSession } from './kept-session.js';
import { LastNoteMissing } from './noted-write.js';
import type { ServerSession } from './server-sessions.js';

/** How long an instance that joins waits for the server, ms: another one may be joining, too. */
const JOIN_MS = 10_000;
/** How long a beat may take, ms: a session that is silent for longer is given up, and the instance looks for another one. */
const BEAT_MS = 4000;
/** What the servers say when a lock is not to be had. */
const LOCKED = new Set(['55P03', '40P01', 'ER_LOCK_WAIT_TIMEOUT', 'ER_LOCK_DEADLOCK', 'JOIN_LOCKED']);
/** Who has not come as far as to say who it is. */
const JOINING: Rival = { writer: 0, mode: 'one', about: 'a process that is starting', beat: undefined };

/** What a server knows of the sessions that hold claims. */
export interface ClaimSessions {
  /** Runs `task` in a transaction, one at a time of all who do so on this table. */
  alone<T>(runner: QueryRunner, task: () => Promise<T>): Promise<T>;
  /** What a session is called in the row of its instance: the same nowhere else, and never again. */
  nameOf(runner: QueryRunner, session: ServerSession): Promise<string>;
  /** Those of `names` whose sessions are gone for sure. */
  gone(runner: QueryRunner, names: readonly string[]): Promise<ReadonlySet<string>>;
}

/** A session of the instance's own, and what it is called. */
interface Held {
  readonly kept: KeptSession;
  readonly name: string;
}

/**
 * The claims of instances on a server: a row for each, with the session that stays open as long as the instance lives. A
 * claim is over when its session is, at once; where a session lingers on, whoever waits sees the beat of its row stand still.
 */
export class ServerClaims implements Claims {
  readonly warning = undefined;
  readonly #rows: InstanceRows;
  #held: Held | undefined;
  #opening: Promise<Held> | undefined;
  #events: ClaimEvents | undefined;

  constructor(
    dataSource: DataSource,
    private readonly pool: ConnectionPool,
    private readonly sessions: ClaimSessions,
  ) {
    this.#rows = new InstanceRows(dataSource);
  }

  async join(instance: Instance, events: ClaimEvents): Promise<readonly Rival[]> {
    this.#events = events;
    this.pool.watchConnections(() => events.disconnected?.());
    this.pool.proveWrites((runner) => this.#assertLastNote(runner));
    const { kept, name } = await this.#hold(JOIN_MS);
    try {
      return await kept.runAwaited(
        (runner) => this.sessions.alone(runner, () => this.#join(runner, instance, name)),
        JOIN_MS,
      );
    } catch (error) {
      if (LOCKED.has(driverErrorOf(error).code ?? '')) return [JOINING];
      throw error;
    }
  }

  async beat(writer: Writer): Promise<boolean> {
    const { kept, name } = await this.#hold(BEAT_MS);
    return kept.run(async (runner) => (await execute(runner, this.#rows.beat(writer, name))) > 0, BEAT_MS);
  }

  async leave(writer: Writer): Promise<void> {
    // Without its session it is seen to be gone as it is.
    await this.#held?.kept.run((runner) => execute(runner, this.#rows.stop(writer)), BEAT_MS);
  }

  async remove(writer: Writer, beat?: number): Promise<boolean> {
    const { kept } = await this.#hold(JOIN_MS);
    try {
      return await kept.runAwaited(
        // One that is not there is gone; with another beat it lives.
        async (runner) => (await execute(runner, this.#rows.remove(writer, beat))) > 0 || beat === undefined,
        JOIN_MS,
      );
    } catch (error) {
      if (LOCKED.has(driverErrorOf(error).code ?? '')) return false;
      throw error;
    }
  }

  async #assertLastNote(runner: QueryRunner): Promise<void> {
    const last = this.#events?.lastNote?.();
    if (last === undefined) return;
    if ((await query(runner, this.#rows.note(last))).length === 0) throw new LastNoteMissing();
  }

  async #join(runner: QueryRunner, instance: Instance, name: string): Promise<readonly InstanceRow[]> {
    const others = instancesIn(await query(runner, this.#rows.all()));
    const names = others.filter((other) => !hasStopped(other)).map(({ session }) => session);
    const gone = names.length === 0 ? new Set<string>() : await this.sessions.gone(runner, names);
    // Its own row is there where the answer to an earlier attempt was lost.
    const isOwn = (other: InstanceRow): boolean => other.writer === instance.writer;
    const isOver = (other: InstanceRow): boolean =>
      isOwn(other) || hasStopped(other) || gone.has(other.session);
    const alive = others.filter((other) => !isOver(other));
    const rivals = instance.mode === 'one' ? alive : alive.filter(({ mode }) => mode === 'one');
    if (rivals.length > 0) return rivals;
    // Those that work beside others have left them notes, which may not have been read: not where there are no others.
    const removed = others.filter((other) => alive.length === 0 || other.mode === 'one' || isOwn(other));
    for (const { writer } of removed) await execute(runner, this.#rows.remove(writer));
    await execute(runner, this.#rows.add(instance, name));
    return [];
  }

  async #hold(ms: number): Promise<Held> {
    if (this.#held !== undefined) return this.#held;
    this.#opening ??= this.#open(ms).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(ms: number): Promise<Held> {
    let isOver = false;
    const kept = await this.pool.keep(ms, () => {
      isOver = true;
      this.#held = undefined;
      this.#events?.disturbed();
    });
    const name = await kept.runAwaited((runner) => this.sessions.nameOf(runner, kept.session), ms);
    const held = { kept, name };
    if (!isOver) this.#held = held;
    return held;
  }
}
