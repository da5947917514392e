import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import type { DataSourceOptions } from 'typeorm';
import { afterEach } from 'vitest';
import { CacheModule, CacheService, type CacheModuleOptions, type NamespaceCache } from '../../src/index.js';
import { MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from './definitions.js';
import { NestLog, startApp } from './nest-app.js';
import { mariadbServer, postgresServer } from './services.js';
import { tempFolder } from './temp-folder.js';

/** How old an answer of a shop may be, ms. */
export const MAX_STALE_MS = 400;

const carts = namespaceOf<number>(ON_CHANGE, { name: 'carts' });
const drafts = namespaceOf<number>(ON_SHUTDOWN, { name: 'drafts' });
export const scratch = namespaceOf<number>(MEMORY_ONLY, { name: 'scratch' });

type NewStorage = () => Promise<DataSourceOptions>;

const folder = tempFolder();
let files = 0;
const onFile =
  (type: 'sqlite' | 'better-sqlite3'): NewStorage =>
  async () => ({ type, database: join(folder, `${(files += 1)}.sqlite`) });

const [postgres, mariadb] = await Promise.all([postgresServer(), mariadbServer()]);

/** A new database on a server; `undefined` where there is no such server. */
export const onPostgres: NewStorage | undefined =
  postgres && (async () => ({ type: 'postgres', url: await postgres.newDatabase() }));
export const onMariadb: NewStorage | undefined =
  mariadb && (async () => ({ type: 'mariadb', url: await mariadb.newDatabase() }));

/** The databases that there are. */
export const SHOP_DATABASES: readonly { readonly name: string; readonly newStorage: NewStorage }[] = [
  { name: 'sqlite3', newStorage: onFile('sqlite') },
  { name: 'better-sqlite3', newStorage: onFile('better-sqlite3') },
  ...(onPostgres === undefined ? [] : [{ name: 'PostgreSQL', newStorage: onPostgres }]),
  ...(onMariadb === undefined ? [] : [{ name: 'MariaDB', newStorage: onMariadb }]),
];

/** An application with a namespace of each level, none of which is flushed unless a test does it. */
export interface Shop {
  readonly app: INestApplicationContext;
  readonly cache: CacheService;
  readonly carts: NamespaceCache<string, number>;
  readonly drafts: NamespaceCache<string, number>;
  readonly scratch: NamespaceCache<string, number>;
  readonly log: NestLog;
}

/** The shops of a spec file: those that a test leaves open are closed behind it. */
export class Shops {
  readonly #open = new Set<INestApplicationContext>();

  constructor() {
    afterEach(async () => {
      for (const app of this.#open) await app.close();
      this.#open.clear();
    });
  }

  async start(options: CacheModuleOptions): Promise<Shop> {
    const log = new NestLog();
    const app = await startApp(
      [
        CacheModule.forRoot({
          instances: 'many',
          maxStaleMs: MAX_STALE_MS,
          checkpointIntervalMs: false,
          namespaces: [carts, drafts, scratch],
          ...options,
        }),
      ],
      log,
    );
    this.#open.add(app);
    const cache = app.get(CacheService);
    return {
      app,
      cache,
      carts: cache.namespace(carts),
      drafts: cache.namespace(drafts),
      scratch: cache.namespace(scratch),
      log,
    };
  }

  /** Two on one storage. */
  async startTwo(options: CacheModuleOptions): Promise<[Shop, Shop]> {
    return [await this.start(options), await this.start(options)];
  }

  async close({ app }: Shop): Promise<void> {
    this.#open.delete(app);
    await app.close();
  }
}
