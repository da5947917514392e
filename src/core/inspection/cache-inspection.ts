import { hostname } from 'node:os';
import { CacheError } from '../cache-error.js';
import { within, type Clock } from '../clock.js';
import type { EngineContext } from '../context.js';
import type { NamespaceDefinition } from '../definition/namespace-definition.js';
import type { FailureLog, FailureReport } from '../failure-log.js';
import { readAbout } from '../sharing/about-process.js';
import {
  hasStopped,
  type InstanceMode,
  type LoggedInstance,
  type LogHead,
  type SharedStorage,
} from '../sharing/shared-storage.js';
import type { Sighting } from '../sharing/sightings.js';
import type { CacheStorageAdapter, Writer } from '../storage-adapter.js';
import type { EntryInspection } from './entry-inspection.js';

/** How long the database may take to say who works on it, ms. Then what was seen last stands. */
const ANSWER_MS = 800;

/** A namespace in use. */
export interface InspectedNamespace {
  readonly definition: NamespaceDefinition;
  readonly entries: EntryInspection;
  /** Whether other instances write to its rows, too. */
  readonly isShared: boolean;
}

/** An open storage, and what its own parts know. */
export interface InspectedStorage {
  readonly storage: CacheStorageAdapter & Partial<SharedStorage>;
  readonly place: string;
  readonly sightings: readonly Sighting[];
  readonly writer: Writer | undefined;
  readonly confirmedMsAgo: number | undefined;
  readonly commits: number;
  /** Notes what was read of the instances beside. */
  readonly saw: (heads: readonly LogHead[]) => void;
}

/** What is looked at, as it is when it is looked at. */
export interface Inspected {
  namespaces(): readonly InspectedNamespace[];
  /** The storage, where one is open. */
  opened(): InspectedStorage | undefined;
  readonly mode: InstanceMode;
}

/** A process that works on the database. */
export interface InspectedInstance {
  /** The same as long as it runs. */
  readonly id: string;
  /** Whether it is this one. */
  readonly isSelf: boolean;
  readonly host: string | undefined;
  readonly pid: number | undefined;
  /** Since when it works there, by its own wall clock, ms; `undefined` where it does not say. */
  readonly since: number | undefined;
  /** When it was seen to do something last, wall-clock ms: it does so every 30 s at least. */
  readonly lastSeen: number;
  /** Its commits since then. */
  readonly commits: number;
  /** Of this one where the database is shared: when it has looked last what others have changed, ms ago. */
  readonly confirmedMsAgo: number | undefined;
}

/** What a tool is shown of one cache, beyond what an application uses: everything that is stored, who else is there, what failed. */
export class CacheInspection {
  /** When this cache was made, wall-clock ms. */
  readonly startedAt: number;

  constructor(
    private readonly cache: Inspected,
    private readonly context: EngineContext,
    private readonly failureLog: FailureLog,
  ) {
    this.startedAt = context.clock.now();
  }

  /** The cache's. */
  get clock(): Clock {
    return this.context.clock;
  }

  get mode(): InstanceMode {
    return this.cache.mode;
  }

  /** Where the data is, without credentials; `undefined` where nothing is persisted. */
  get database(): string | undefined {
    return this.cache.opened()?.place;
  }

  /** The last failures, the newest first. */
  get failures(): readonly FailureReport[] {
    return this.failureLog.last;
  }

  /** In the order of their declaration. */
  namespaces(): readonly InspectedNamespace[] {
    return this.cache.namespaces();
  }

  /** Throws `UNKNOWN_NAMESPACE` for a name that is not declared. */
  namespace(name: string): InspectedNamespace {
    const found = this.cache.namespaces().find(({ definition }) => definition.name === name);
    if (found !== undefined) return found;
    throw new CacheError('UNKNOWN_NAMESPACE', 'No namespace of this name is declared.', { namespace: name });
  }

  /** Who works on the database, this one first, as far as was seen. Asks the database, for 800 ms at most; never rejects. */
  async instances(): Promise<readonly InspectedInstance[]> {
    const opened = this.cache.opened();
    const self = this.#self(opened);
    if (opened === undefined || opened.sightings.length === 0) return [self];
    const logged = await this.#logged(opened);
    const others = opened.sightings
      .filter(({ writer }) => writer !== opened.writer)
      .map((sighting) => otherOf(sighting, logged.get(sighting.writer)));
    return [self, ...others];
  }

  #self(opened: InspectedStorage | undefined): InspectedInstance {
    return {
      id: String(opened?.writer ?? process.pid),
      isSelf: true,
      host: hostname(),
      pid: process.pid,
      since: this.startedAt,
      lastSeen: this.clock.now(),
      commits: opened?.commits ?? 0,
      confirmedMsAgo: opened?.confirmedMsAgo,
    };
  }

  /** What the database says of those that have not stopped; as much as it has said within its time. */
  async #logged({ storage, saw }: InspectedStorage): Promise<ReadonlyMap<Writer, LoggedInstance>> {
    let found: readonly LoggedInstance[] = [];
    const asking = (async () => {
      found = (await storage.instances?.()) ?? [];
      if (found.length > 0) saw(found);
    })();
    await within(
      this.clock,
      ANSWER_MS,
      asking.catch(() => undefined),
    );
    return new Map(found.filter((one) => !hasStopped(one)).map((one) => [one.writer, one]));
  }
}

function otherOf({ writer, lastSeen, n }: Sighting, logged: LoggedInstance | undefined): InspectedInstance {
  const { host, pid, since } = readAbout(logged?.about ?? '');
  return {
    id: String(writer),
    isSelf: false,
    host,
    pid,
    since,
    lastSeen,
    commits: logged?.n ?? n,
    confirmedMsAgo: undefined,
  };
}
