import { within } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { NamespaceStats } from '../definition/namespace-stats.js';
import { isDrained } from '../levels/drainable.js';
import { acknowledgesEarly, isPersisted } from '../levels/levels.js';
import { counted, listed } from '../listed.js';
import { reasonOf, type FailureEpisode } from '../writing/storage-health.js';
import type { ResolvedEngineOptions } from './engine-options.js';
import type { Member } from './namespace-registry.js';
import type { OpenStorage } from './open-storage.js';

/** How long the database may take to answer, ms: within the second that probes of orchestrators wait by default. */
const ANSWER_MS = 800;
/** What is read to see whether the database answers: a row that nobody has. */
const PROBED = { namespace: 'nestjs-durable-cache:health', key: 'probe' };

/** Most namespaces of which it is said that they are late. */
const MOST_REASONS = 10;

/** How the cache is, as `CacheService.health()` finds it. */
export interface CacheHealth {
  /**
   * `down`: the cache has been stopped, or the database does not answer, so that what is not in memory can't be read, or another
   * process has taken the database over.
   * `degraded`: it answers reads, and writes are failing, what other instances change can't be seen, entries are refused, or entries have been dirty for longer than two
   * checkpoints (`ON_SHUTDOWN`) or `writeTimeoutMs` (`ON_CHANGE`). `up`: none of it.
   */
  readonly status: 'up' | 'degraded' | 'down';
  /** What is wrong, a sentence each: no key, no value, no credentials. Empty where it is up. */
  readonly reasons: readonly string[];
  /** Writes accepted that the database does not have, of all namespaces. */
  readonly dirty: number;
  /** How long the oldest of them has been dirty, ms; 0 where none is. */
  readonly oldestUnwrittenMs: number;
  /**
   * Since when writes fail or the database does not answer, wall-clock ms; `undefined` where it works, and where the cache has been
   * stopped or its database taken over: that does not pass.
   */
  readonly failingSince: number | undefined;
  /**
   * Since when the cache can't ask the database what other instances have changed, wall-clock ms; `undefined` where it can, or
   * works alone.
   */
  readonly unconfirmedSince: number | undefined;
  /** How many instances share the table, this one included, as far as was seen lately. */
  readonly instances: number;
}

/** What is looked at, as it is when it is looked at. */
export interface Examined {
  members(): readonly Member[];
  /** The storage, where one was asked for. */
  storage(): Promise<OpenStorage> | undefined;
  /** The same where it is open. */
  opened(): OpenStorage | undefined;
  isClosed(): boolean;
}

/** One question to the database. */
class Probe {
  /** What is wrong, as far as it is known now. */
  fault: string | undefined = 'The database has not been opened yet.';
  /** Resolves when there is an answer, or an error. */
  readonly over: Promise<void>;

  constructor(opening: Promise<OpenStorage>) {
    this.over = this.#ask(opening);
  }

  async #ask(opening: Promise<OpenStorage>): Promise<void> {
    try {
      const { storage } = await opening;
      this.fault = `The database has not answered for ${ANSWER_MS} ms.`;
      await storage.read(PROBED.namespace, [PROBED.key]);
      this.fault = undefined;
    } catch (error) {
      this.fault = `The database can't be read (${reasonOf(error)}).`;
    }
  }
}

/** Looks whether the cache is well: asks the database, and its own figures. */
export class HealthCheck {
  #probe: Probe | undefined;
  /** Since when the database does not answer, on the monotonic clock. */
  #silentSince: number | undefined;

  constructor(
    private readonly engine: Examined,
    private readonly options: ResolvedEngineOptions,
    private readonly context: EngineContext,
  ) {}

  /** Never rejects, and takes 800 ms at most. */
  async check(): Promise<CacheHealth> {
    const fault = this.engine.isClosed() ? undefined : await this.#ask();
    // It may have been stopped while the database was asked.
    const opened = this.engine.opened();
    const down = this.engine.isClosed() ? 'The cache has been stopped.' : (opened?.taken?.message ?? fault);
    const episode = opened?.failures;
    const members = this.engine
      .members()
      .map(({ definition, cache }) => ({ definition, stats: cache.stats() }));
    const complaints = [
      ...failing(episode),
      ...this.#outOfTouch(opened?.unconfirmedSince),
      ...(opened?.exclusion === undefined ? [] : [opened.exclusion.message]),
      ...refused(members),
      ...this.#overdue(members),
    ];
    if (episode !== undefined && down === undefined) this.#tryWriting(members);
    const isOver = this.engine.isClosed() || opened?.taken !== undefined;
    return Object.freeze({
      status: down !== undefined ? 'down' : complaints.length > 0 ? 'degraded' : 'up',
      reasons: Object.freeze(down === undefined ? complaints : [down, ...complaints]),
      dirty: members.reduce((sum, { stats }) => sum + stats.dirty, 0),
      oldestUnwrittenMs: Math.max(0, ...members.map(({ stats }) => stats.oldestUnwrittenMs)),
      failingSince: isOver ? undefined : this.#failingSince(episode),
      unconfirmedSince: opened?.unconfirmedSince,
      instances: opened?.instances ?? 1,
    });
  }

  /**
   * What is wrong with the database, or with the way to it; `undefined` where it answers, or there is none. Where it was not seen what
   * others change, it is looked at again.
   */
  async #ask(): Promise<string | undefined> {
    const opening = this.engine.storage();
    if (opening === undefined) return undefined;
    const askedAt = this.context.clock.monotonic();
    const fault = await this.#faultOfDatabase(opening);
    if (fault === undefined) await this.#catchUp(ANSWER_MS - (this.context.clock.monotonic() - askedAt));
    return fault;
  }

  /** An instance that nobody uses looks every 30 s what others have changed: one such look that failed is no outage of 30 s. */
  async #catchUp(ms: number): Promise<void> {
    const opened = this.engine.opened();
    if (opened?.unconfirmedSince !== undefined) await within(this.context.clock, ms, opened.look());
  }

  async #faultOfDatabase(opening: Promise<OpenStorage>): Promise<string | undefined> {
    const { clock } = this.context;
    const probe = this.#probe ?? this.#begin(opening);
    await within(clock, ANSWER_MS, probe.over);
    this.#silentSince = probe.fault === undefined ? undefined : (this.#silentSince ?? clock.monotonic());
    return probe.fault;
  }

  /** Told by the monotonic clock, which nobody sets: an outage ends by itself alone. */
  #failingSince(episode: FailureEpisode | undefined): number | undefined {
    const { clock } = this.context;
    const silentMs = this.#silentSince === undefined ? undefined : clock.monotonic() - this.#silentSince;
    const failingMs = [episode?.ms, silentMs].filter((ms) => ms !== undefined);
    return failingMs.length === 0 ? undefined : clock.now() - Math.max(...failingMs);
  }

  /** All who ask while there is no answer wait for the same one: a database in trouble is not asked more often for it. */
  #begin(opening: Promise<OpenStorage>): Probe {
    const probe = new Probe(opening);
    this.#probe = probe;
    void probe.over.then(() => {
      this.#probe = undefined;
    });
    return probe;
  }

  /**
   * Whether writing works again is seen at the next write. Where there is none to be retried, which could be long, this brings
   * one about: it removes what has expired.
   */
  #tryWriting(members: readonly Figures[]): void {
    if (!members.every(({ stats }) => isDrained(stats))) return;
    const persisted = members.find(({ definition }) => isPersisted(definition));
    if (persisted !== undefined) this.engine.opened()?.purge.request([persisted.definition.name]);
  }

  #outOfTouch(since: number | undefined): string[] {
    if (since === undefined) return [];
    const seconds = Math.round(Math.max(0, this.context.clock.now() - since) / 1000);
    return [`What other instances change has not been seen for ${seconds} s.`];
  }

  /** What is not written though it should be by now. What the database refuses has a reason of its own. */
  #overdue(members: readonly Figures[]): string[] {
    return members
      .filter(
        ({ definition, stats }) =>
          stats.refused === 0 && stats.oldestUnwrittenMs > this.#patience(definition),
      )
      .map(({ definition, stats }) => {
        const seconds = Math.round(stats.oldestUnwrittenMs / 1000);
        return `${counted(stats.dirty, 'entry', 'entries')} of namespace '${definition.name}' not written, the oldest for ${seconds} s.`;
      })
      .slice(0, MOST_REASONS);
  }

  #patience(definition: NamespaceDefinition): number {
    const { checkpointIntervalMs, writeTimeoutMs } = this.options;
    if (!acknowledgesEarly(definition)) return writeTimeoutMs;
    return checkpointIntervalMs === false ? Infinity : 2 * checkpointIntervalMs;
  }
}

interface Figures {
  readonly definition: NamespaceDefinition;
  readonly stats: NamespaceStats;
}

function failing(episode: FailureEpisode | undefined): string[] {
  if (episode === undefined) return [];
  const seconds = Math.round(episode.ms / 1000);
  return [`Writes have been failing for ${seconds} s (${episode.reason}).`];
}

function refused(members: readonly Figures[]): string[] {
  const count = members.reduce((sum, { stats }) => sum + stats.refused, 0);
  if (count === 0) return [];
  const definitions = members.filter(({ stats }) => stats.refused > 0).map(({ definition }) => definition);
  const names = definitions.map(({ name }) => `'${name}'`);
  const isMerged = definitions.some(({ onConflict }) => typeof onConflict === 'function');
  const why = isMerged
    ? `, or onConflict fails for ${count === 1 ? 'it' : 'them'}: the log says which.`
    : ': the last error of the namespace says why.';
  return [`The database refuses ${counted(count, 'entry', 'entries')}, of ${listed(names)}${why}`];
}
