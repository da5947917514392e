import {
  Inject,
  Injectable,
  Optional,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CacheError } from '../core/cache-error.js';
import { CacheEngine } from '../core/engine/cache-engine.js';
import { CACHE_ENGINE } from '../nest/cache.tokens.js';
import { Actions } from './actions/actions.js';
import { AuditLog } from './actions/audit-log.js';
import { EntryEdits } from './actions/entry-edit.js';
import { EntryReader } from './entries/entry-reader.js';
import { EntryVersions } from './entries/entry-versions.js';
import { EntryViews } from './entries/entry-view.js';
import { PageFiles } from './files/page-files.js';
import type { InspectorBehaviour } from './inspector-options.js';
import { LiveFeed } from './live/live-feed.js';
import { overviewOf } from './live/overview.js';
import { Sampler } from './live/sampler.js';

export const INSPECTOR_BEHAVIOUR = Symbol('INSPECTOR_BEHAVIOUR');

/** Puts the parts of the inspector together, and ends with the application. */
@Injectable()
export class Inspector implements OnApplicationBootstrap, OnModuleDestroy {
  readonly files = new PageFiles();
  readonly feed: LiveFeed;
  readonly reader: EntryReader;
  readonly actions: Actions;
  readonly #sampler: Sampler;

  constructor(
    @Optional() @Inject(CACHE_ENGINE) given: CacheEngine | undefined,
    @Inject(INSPECTOR_BEHAVIOUR) options: InspectorBehaviour,
  ) {
    const engine = present(given);
    const { clock } = engine.inspection;
    this.#sampler = new Sampler(
      clock,
      () => engine.summaries(),
      (sample) => this.feed.tell(sample),
    );
    const writesPerSecond = (namespace: string): number => this.#sampler.writesPerSecond(namespace);
    this.feed = new LiveFeed({
      clock,
      overview: () => overviewOf({ engine, options, writesPerSecond }),
      samples: () => this.#sampler.samples,
    });
    const views = new EntryViews(options, new EntryVersions());
    this.reader = new EntryReader(engine.inspection, views);
    const edits = new EntryEdits(engine, views, options);
    const audit = new AuditLog(options, clock);
    this.actions = new Actions({ engine, reader: this.reader, edits, audit, options });
  }

  onApplicationBootstrap(): void {
    this.#sampler.start();
  }

  /** Before the server is closed, which waits for its connections. */
  onModuleDestroy(): void {
    this.#sampler.stop();
    this.feed.end();
  }
}

function present(engine: CacheEngine | undefined): CacheEngine {
  if (engine !== undefined) return engine;
  throw new CacheError(
    'MISSING_MODULE',
    'CacheInspectorModule shows the cache of an application, and there is none here: import CacheModule.forRoot() or ' +
      'CacheModule.forRootAsync() in the root module.',
  );
}
