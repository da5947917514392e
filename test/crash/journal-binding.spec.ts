import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions } from '../../src/core/engine/engine-options.js';
import type { CacheStorageAdapter } from '../../src/core/storage-adapter.js';
import { RescueFile } from '../../src/storage/rescue-file.js';
import { TypeOrmStorage } from '../../src/storage/typeorm-storage.js';
import { ChaosStorage } from '../support/chaos-storage.js';
import { errorWith, namespaceOf, ON_SHUTDOWN } from '../support/definitions.js';
import { FakeClock } from '../support/fake-clock.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { connectTo, POSTGRES } from '../support/server-kind.js';
import { postgresServer } from '../support/services.js';
import { tempFolder } from '../support/temp-folder.js';

const folder = tempFolder();
const postgres = await postgresServer();
const definition = namespaceOf(ON_SHUTDOWN, { name: 'n' });
let files = 0;
const newFile = (ending: string): string => join(folder, `${(files += 1)}${ending}`);
const sqlite = (): DataSourceOptions => ({ type: 'sqlite', database: newFile('.sqlite') });

/** One life of a process: an engine on a real database, with a journal in a real file. */
class Life {
  cache!: NamespaceCache<string, unknown>;
  readonly #engine: CacheEngine;

  private constructor(
    private readonly storage: CacheStorageAdapter,
    journal: string,
    clock: FakeClock,
  ) {
    this.#engine = new CacheEngine(
      () => storage,
      resolveEngineOptions({ checkpointIntervalMs: false }),
      {},
      { clock, logger: new RecordingLogger(), random: Math.random },
      () => new RescueFile(journal),
    );
  }

  static async start(
    options: DataSourceOptions,
    journal: string | undefined,
    clock: FakeClock,
    wrap: (storage: CacheStorageAdapter) => CacheStorageAdapter = (storage) => storage,
  ): Promise<Life> {
    const storage = new TypeOrmStorage({ storage: options, migrationsRun: true, synchronous: 'full' });
    // Some of them overlap: what a journal holds must be sound whoever else there is.
    Object.defineProperty(storage, 'keepsOthersOut', { value: false });
    const life = new Life(wrap(storage), journal ?? (storage.rescuePath as string), clock);
    life.cache = await life.#engine.register(definition);
    return life;
  }

  /** Ends as a process does that calls `process.exit()`: what is unwritten goes to the journal. */
  async exit(): Promise<void> {
    this.#engine.rescueAtExit();
    await this.storage.close();
  }

  /** Ends at once, without a word. */
  async kill(): Promise<void> {
    await this.storage.close();
  }
}

/** A storage whose replay waits until it is let through; says when it has got there. */
class LateWriter {
  #reached: () => void = () => undefined;
  #letThrough: () => void = () => undefined;
  readonly reached = new Promise<void>((resolve) => {
    this.#reached = resolve;
  });
  readonly #through = new Promise<void>((resolve) => {
    this.#letThrough = resolve;
  });

  readonly wrap = (inner: CacheStorageAdapter): CacheStorageAdapter => {
    const storage = new ChaosStorage(inner);
    const modify = storage.modify.bind(storage);
    storage.modify = async (...of) => {
      this.#reached();
      await this.#through;
      return modify(...of);
    };
    return storage;
  };

  letThrough(): void {
    this.#letThrough();
  }
}

async function rowsOf(options: DataSourceOptions): Promise<Record<string, unknown>> {
  const db = await new DataSource(options).initialize();
  const rows: { key: string; value: string }[] = await db.query(
    `SELECT "key", "value" FROM "cache_storage" WHERE "namespace" = 'n'`,
  );
  await db.destroy();
  return Object.fromEntries(rows.map(({ key, value }) => [key, JSON.parse(value)]));
}

async function run(options: DataSourceOptions, ...statements: string[]): Promise<void> {
  const db = await new DataSource(options).initialize();
  for (const statement of statements) await db.query(statement);
  await db.destroy();
}

describe.skipIf(postgres === undefined)(
  'two applications in one folder, on two schemas of one database',
  () => {
    const home = process.cwd();
    const clock = new FakeClock();
    let servedByOther: unknown;
    let servedByOwner: unknown;

    beforeAll(async () => {
      process.chdir(folder);
      const url = (await postgres?.newDatabase()) as string;
      const db = await connectTo(POSTGRES, url);
      await db.query('CREATE SCHEMA a');
      await db.query('CREATE SCHEMA b');
      await db.destroy();
      const owner: DataSourceOptions = { type: 'postgres', url, schema: 'a' };
      const other: DataSourceOptions = { type: 'postgres', url, schema: 'b' };
      const first = await Life.start(owner, undefined, clock);
      await first.cache.set('k', 'of a');
      await first.exit();
      const second = await Life.start(other, undefined, clock);
      servedByOther = await second.cache.get('k');
      await second.kill();
      const third = await Life.start(owner, undefined, clock);
      servedByOwner = await third.cache.get('k');
      await third.kill();
    });

    afterAll(() => process.chdir(home));

    it('leave each other’s journal alone', () => {
      expect(servedByOther).toBeUndefined();
    });

    it('each find what their own stop left', () => {
      expect(servedByOwner).toBe('of a');
    });
  },
);

describe('two applications with one rescueJournal', () => {
  const clock = new FakeClock();
  let served: unknown[];

  beforeAll(async () => {
    const journal = newFile('.ndjson');
    const [one, other] = [sqlite(), sqlite()];
    const first = await Life.start(one, journal, clock);
    await first.cache.set('k', 'of one');
    await first.exit();
    const second = await Life.start(other, journal, clock);
    const byOther = await second.cache.get('k');
    await second.kill();
    const third = await Life.start(one, journal, clock);
    served = [await third.cache.get('k'), byOther];
    await third.kill();
  });

  it('each find what their own stop left, and nothing else', () => {
    expect(served).toEqual(['of one', undefined]);
  });
});

describe('a wall clock that says the wrong time', () => {
  let afterStep: unknown;
  let afterAdoption: unknown;

  beforeAll(async () => {
    const clock = new FakeClock();
    const [stepped, adopted] = [sqlite(), sqlite()];
    const journal = newFile('.ndjson');
    const first = await Life.start(stepped, journal, clock);
    await first.cache.set('k', 'v1');
    await first.cache.flush();
    clock.stepWall(-5000);
    await first.cache.set('k', 'v2');
    await first.exit();
    const second = await Life.start(stepped, journal, clock);
    afterStep = await second.cache.get('k');
    await second.kill();

    const adoptedJournal = newFile('.ndjson');
    const before = await Life.start(adopted, adoptedJournal, clock);
    await before.kill();
    // As another program wrote it, whose local time is two hours ahead of UTC.
    const local = new Date(clock.now() + 7_200_000).toISOString().slice(0, 19).replace('T', ' ');
    await run(
      adopted,
      `INSERT INTO "cache_storage" ("namespace", "key", "value", "updated_at") VALUES ('n', 'k', '"adopted"', '${local}')`,
    );
    const third = await Life.start(adopted, adoptedJournal, clock);
    await third.cache.set('k', 'acknowledged');
    await third.exit();
    const last = await Life.start(adopted, adoptedJournal, clock);
    afterAdoption = await last.cache.get('k');
    await last.kill();
  });

  it('costs no acknowledged value when it steps back between two writes', () => {
    expect(afterStep).toBe('v2');
  });

  it('costs no acknowledged value when an adopted row has it from the future', () => {
    expect(afterAdoption).toBe('acknowledged');
  });
});

describe.skipIf(postgres === undefined)('instances that start and stop at the same time', () => {
  const clock = new FakeClock();
  const started = async (): Promise<{ options: DataSourceOptions; journal: string }> => ({
    options: { type: 'postgres', url: (await postgres?.newDatabase()) as string },
    journal: join(folder, `${(files += 1)}`, 'journal.ndjson'),
  });
  let afterLateReplay: unknown;
  let afterLateRemoval: unknown;
  let afterCrashedRemoval: unknown;
  let ofSameRow: unknown;

  /** An older start that is late with its replay, and a newer one that has served already. */
  async function lateReplay(): Promise<unknown> {
    const { options, journal } = await started();
    const first = await Life.start(options, journal, clock);
    await first.cache.set('k', 'journalled');
    await first.exit();
    await clock.advance(1000);
    const gate = new LateWriter();
    const late = Life.start(options, journal, clock, gate.wrap);
    await gate.reached;
    const quick = await Life.start(options, journal, clock);
    await quick.cache.set('k', 'newer');
    await quick.cache.flush();
    gate.letThrough();
    await (await late).kill();
    await quick.kill();
    return (await rowsOf(options))['k'];
  }

  /** A start that is late with its removal, and a stop that has left something new by then. */
  async function lateRemoval(): Promise<unknown> {
    const { options, journal } = await started();
    const first = await Life.start(options, journal, clock);
    await first.cache.set('a', 1);
    await first.exit();
    await clock.advance(1000);
    const gate = new LateWriter();
    const late = Life.start(options, journal, clock, gate.wrap);
    await gate.reached;
    const quick = await Life.start(options, journal, clock);
    await quick.cache.set('b', 2);
    await quick.exit();
    gate.letThrough();
    await (await late).kill();
    const last = await Life.start(options, journal, clock);
    const value = await last.cache.get('b');
    await last.kill();
    return value;
  }

  /** A start that dies between its last commit and the removal of the file, before another stop leaves its own. */
  async function crashedRemoval(): Promise<unknown> {
    const { options, journal } = await started();
    const names = (): string[] => readdirSync(join(journal, '..')).map((name) => join(journal, '..', name));
    const first = await Life.start(options, journal, clock);
    await first.cache.set('k', 1);
    await first.exit();
    const [left = ''] = names();
    const content = readFileSync(left);
    const second = await Life.start(options, journal, clock);
    expect(await rowsOf(options)).toEqual({ k: 1 });
    writeFileSync(left, content);
    await second.cache.set('k', 2);
    await second.exit();
    expect(names()).toHaveLength(2);
    const last = await Life.start(options, journal, clock);
    const value = await last.cache.get('k');
    await last.kill();
    return value;
  }

  /** Two that have changed one row, and stop without the database. */
  async function sameRow(): Promise<unknown> {
    const { options, journal } = await started();
    const before = await Life.start(options, journal, clock);
    await before.cache.set('k', 0);
    await before.cache.flush();
    await before.kill();
    const lives = [await Life.start(options, journal, clock), await Life.start(options, journal, clock)];
    for (const [i, life] of lives.entries()) await life.cache.set('k', i + 1);
    for (const life of lives) await life.exit();
    await (await Life.start(options, journal, clock)).kill();
    const folderOfIt = join(journal, '..');
    const kept = readdirSync(folderOfIt).filter((name) => name.includes('.conflicts-'));
    expect(kept).toHaveLength(1);
    const [, entry = ''] = readFileSync(join(folderOfIt, kept[0] as string), 'utf8').split('\n');
    const { value } = JSON.parse(entry) as { readonly value: string };
    return new Set([(await rowsOf(options))['k'], JSON.parse(value)]);
  }

  beforeAll(async () => {
    afterLateReplay = await lateReplay();
    afterLateRemoval = await lateRemoval();
    afterCrashedRemoval = await crashedRemoval();
    ofSameRow = await sameRow();
  });

  it('never replay over what another one has acknowledged since', () => {
    expect(afterLateReplay).toBe('newer');
  });

  it('never remove what another one has left since', () => {
    expect(afterLateRemoval).toBe(2);
  });

  it('replay a file that a crash has left behind once more, and never over what came since', () => {
    expect(afterCrashedRemoval).toBe(2);
  });

  it('replay one of two changes of one row, and keep the other where a person finds it', () => {
    expect(ofSameRow).toEqual(new Set([1, 2]));
  });
});

describe('a file at the place of the journal', () => {
  const clock = new FakeClock();
  const outcomes: { start: PromiseSettledResult<Life>; isKept: boolean }[] = [];

  /** The lines of a journal as a later version might write them. */
  const ofNewerVersion = (): string =>
    ['{"journal":"nestjs-durable-cache","version":1000}', '{"put":["n","k","1"]}']
      .map((text) => `{"crc":"${crc32(text).toString(16).padStart(8, '0')}",${text.slice(1)}\n`)
      .join('');

  beforeAll(async () => {
    for (const content of [ofNewerVersion(), '{"user":1}\n{"user":2}\n']) {
      const journal = newFile('.ndjson');
      writeFileSync(journal, content);
      const [start] = await Promise.allSettled([Life.start(sqlite(), journal, clock)]);
      if (start.status === 'fulfilled') await start.value.kill();
      const isKept = readdirSync(folder).some((name) => join(folder, name) === journal);
      outcomes.push({ start, isKept });
    }
  });

  const refusedAndKept = {
    start: { status: 'rejected', reason: errorWith('JOURNAL_NOT_UNDERSTOOD') },
    isKept: true,
  };

  it('of a newer version stays there, and fails the start', () => {
    expect(outcomes[0]).toMatchObject(refusedAndKept);
  });

  it('that is somebody else’s stays there, and fails the start', () => {
    expect(outcomes[1]).toMatchObject(refusedAndKept);
  });
});

describe('a rename in the journal', () => {
  const clock = new FakeClock();
  let rows: Record<string, unknown>;

  beforeAll(async () => {
    const options = sqlite();
    const journal = newFile('.ndjson');
    const first = await Life.start(options, journal, clock);
    await first.cache.set('from', 'precious');
    await first.cache.flush();
    await first.cache.rename('from', 'to');
    await first.exit();
    await clock.advance(1000);
    const refusing = (inner: CacheStorageAdapter): CacheStorageAdapter => {
      const storage = new ChaosStorage(inner);
      storage.poison.add('to');
      return storage;
    };
    await (await Life.start(options, journal, clock, refusing)).kill();
    rows = await rowsOf(options);
  });

  it('is replayed as a whole or not at all: what the database refuses under one key stays under the other', () => {
    expect(rows).toEqual({ from: 'precious' });
  });
});
