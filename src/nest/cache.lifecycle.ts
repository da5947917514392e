import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ChatDeclaration } from '../chat/chat-declaration.js';
import { CacheEngine } from '../core/engine/cache-engine.js';
import type { StopReport } from '../core/engine/engine-stop.js';
import type { StartReport } from '../core/engine/start-report.js';
import { listed } from '../core/listed.js';
import type { ResolvedCacheOptions } from './cache-module-options.js';
import { CACHE_ENGINE, CHAT_DECLARATION, RESOLVED_OPTIONS } from './cache.tokens.js';
import { failOnSignal, failProcess, unwatchProcessEnd, watchProcessEnd } from './process-end.js';
import { ShutdownHooksCheck } from './shutdown-hooks-check.js';
import { startLine } from './start-line.js';

/**
 * The cache's place in the life of the application: before every other module at the start, after every other one in each
 * step of the stop.
 */
@Injectable()
export class CacheLifecycle
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly #hooksCheck: ShutdownHooksCheck;
  #isServing = false;

  constructor(
    @Inject(CACHE_ENGINE) private readonly engine: CacheEngine,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedCacheOptions,
    @Inject(CHAT_DECLARATION) private readonly chat: ChatDeclaration,
  ) {
    this.#hooksCheck = new ShutdownHooksCheck(engine.logger, options.clock, () => this.#isAtStake());
    watchProcessEnd(engine);
    void engine.stopped.then((report) => this.#stopped(report));
  }

  /** Whether the start is over and the cache has not stopped. */
  get isServing(): boolean {
    return this.#isServing;
  }

  async onApplicationBootstrap(): Promise<void> {
    const report = await this.#started();
    this.#warnOfUnusedOverrides();
    this.engine.logger.log(startLine(report));
    this.#hooksCheck.begin();
  }

  /** The bulk, while the rest of the application still runs. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#hooksCheck.end();
    await this.engine.drain();
  }

  /** The rest. Nest only logs what a shutdown hook throws, so the engine itself reports what it leaves behind. */
  async onApplicationShutdown(signal?: string): Promise<void> {
    const { leftBehind } = await this.engine.stop();
    if (leftBehind.length > 0 && signal !== undefined) failOnSignal(signal);
  }

  /**
   * Ends what has begun of a start that the cache itself makes fail: Nest calls no hook then. An application that serves
   * already, and loads one module more, goes on.
   */
  startFailed(): void {
    if (!this.#isServing) void this.engine.stop();
  }

  async #started(): Promise<StartReport> {
    try {
      const report = await this.engine.startReport();
      this.#isServing = true;
      return report;
    } catch (error) {
      await this.engine.stop();
      throw error;
    }
  }

  /** Whether a signal would lose something. The namespaces of a chat bot are there in every application: they count once they are used. */
  #isAtStake(): boolean {
    return this.engine.acknowledgingEarly.some(
      ({ name, stats: { size, dirty, sets, updates, deletes } }) =>
        !this.chat.isBuiltIn(name) || size + dirty + sets + updates + deletes > 0,
    );
  }

  /** Only a warning: a lazily loaded module may still declare the namespace. */
  #warnOfUnusedOverrides(): void {
    const declared = [
      ...[...this.chat.declared, ...this.options.namespaces].map(({ name }) => name),
      ...this.engine.definitions.map(({ name }) => name),
    ];
    for (const name of Object.keys(this.options.overrides)) {
      if (declared.includes(name)) continue;
      this.engine.logger.warn(
        `overrides: no namespace '${name}' is declared so far. It takes effect if a module that is loaded lazily ` +
          `declares that; else correct the name. Declared: ${listed([...new Set(declared)]) || 'none'}.`,
      );
    }
  }

  /** Whoever stopped the cache: a hook, its deadline, or the end of the process. */
  #stopped({ leftBehind }: StopReport): void {
    this.#isServing = false;
    this.#hooksCheck.end();
    unwatchProcessEnd(this.engine);
    // enableShutdownHooks({ useProcessExit: true }) ends with process.exit(0), which would hide it.
    if (leftBehind.length > 0) failProcess();
  }
}
