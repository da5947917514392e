import { CacheEngine } from '../../src/core/engine/cache-engine.js';
import { resolveEngineOptions, type EngineOptions } from '../../src/core/engine/engine-options.js';
import type { CacheLogger } from '../../src/core/cache-logger.js';
import type { RescueJournal } from '../../src/core/rescue/rescue-journal.js';
import type { NamespaceWith } from '../../src/core/namespace/namespace-types.js';
import type { NamespaceDefinition } from '../../src/core/definition/namespace-definition.js';
import type { ValueMode } from '../../src/core/values/value-mode.js';
import { InMemoryStorage } from '../../src/storage/in-memory-storage.js';
import { ChaosStorage } from './chaos-storage.js';
import { FakeClock } from './fake-clock.js';
import { RecordingLogger } from './recording-logger.js';

/** The real engine in a world under the test's control. Several lives of a process share one database. */
export class EngineWorld {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly rows = new InMemoryStorage();
  storage = new ChaosStorage(this.rows);
  engine: CacheEngine;

  constructor(
    private readonly options: EngineOptions = {},
    private readonly journal?: RescueJournal,
    private readonly appLogger?: CacheLogger,
  ) {
    this.engine = this.#newEngine();
  }

  register<K, V, M extends ValueMode>(
    definition: NamespaceDefinition<K, V, M>,
  ): Promise<NamespaceWith<K, V, M>> {
    return this.engine.register(definition);
  }

  /** The process is gone, and another one starts on what the database has. */
  crash(): void {
    this.storage = new ChaosStorage(this.rows);
    this.engine = this.#newEngine();
  }

  async restart(): Promise<void> {
    await this.engine.stop();
    this.crash();
  }

  /** What the database has of a namespace: values by stored key. */
  async stored(namespace: string): Promise<Record<string, unknown>> {
    const { rows } = await this.rows.load(namespace, {
      after: undefined,
      limit: 1_000_000,
      now: this.clock.now(),
    });
    return Object.fromEntries(rows.map((row) => [row.key, JSON.parse(row.value)]));
  }

  #newEngine(): CacheEngine {
    const { storage } = this;
    return new CacheEngine(
      () => storage,
      resolveEngineOptions(this.options),
      {},
      { clock: this.clock, logger: this.appLogger ?? this.logger, random: () => 0.5 },
      () => this.journal,
    );
  }
}
