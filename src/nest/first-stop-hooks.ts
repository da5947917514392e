import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CacheEngine } from '../core/engine/cache-engine.js';
import { CACHE_ENGINE } from './cache.tokens.js';

/**
 * The cache's first hooks in each step of the stop, before those of every other module. The first of them begins the stop and
 * its deadline. Each writes what is dirty: where the hook of another module then fails, Nest 11 goes no further, and ends
 * the process at once where a signal began it.
 */
@Injectable()
export class FirstStopHooks implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(CACHE_ENGINE) private readonly engine: CacheEngine) {}

  onModuleDestroy(): Promise<void> {
    return this.engine.drain();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.engine.drain();
  }

  onApplicationShutdown(): Promise<void> {
    return this.engine.drain();
  }
}
