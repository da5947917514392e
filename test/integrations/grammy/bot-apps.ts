import type { INestApplicationContext } from '@nestjs/common';
import { afterEach } from 'vitest';
import {
  CacheModule,
  CacheService,
  type CacheModuleOptions,
  type NamespaceCache,
} from '../../../src/index.js';
import {
  botSessionNamespace,
  DurableBotSessions,
  type BotSessionNamespaceOptions,
  type BotSessionsOptions,
} from '../../../src/integrations/grammy/index.js';
import { startApp } from '../../support/nest-app.js';
import type { Visits } from './bots.js';

export interface Given {
  readonly cache: CacheModuleOptions;
  readonly namespace?: Partial<BotSessionNamespaceOptions<Visits>>;
  readonly options?: BotSessionsOptions;
}

/** An application with the sessions of a bot. */
export interface BotApp {
  readonly app: INestApplicationContext;
  readonly rows: NamespaceCache<string, Visits, Visits>;
  readonly sessions: DurableBotSessions<Visits>;
}

const open = new Set<INestApplicationContext>();

/** To be called by the spec file: closes what its tests leave open. */
export function closeBotApps(): void {
  afterEach(async () => {
    for (const app of open) await app.close();
    open.clear();
  });
}

export async function startBotApp({ cache, namespace, options }: Given): Promise<BotApp> {
  const definition = botSessionNamespace<Visits>({ name: 'visits', ...namespace });
  const app = await startApp([
    CacheModule.forRoot({ namespaces: [definition], chatNamespaces: false, ...cache }),
  ]);
  open.add(app);
  const rows = app.get(CacheService).namespace(definition);
  return { app, rows, sessions: new DurableBotSessions(rows, options) };
}

export async function stop({ app }: BotApp): Promise<void> {
  open.delete(app);
  await app.close();
}
