import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { Logger, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import session from 'express-session';
import { afterEach } from 'vitest';
import { CacheModule, CacheService, type CacheModuleOptions } from '../../../src/index.js';
import {
  DurableSessionStore,
  sessionNamespace,
  type SessionStoreOptions,
} from '../../../src/integrations/express-session/index.js';
import { NestLog } from '../../support/nest-app.js';
import { HeldRequests, VisitsController } from './visits.controller.js';

export const sessions = sessionNamespace({ name: 'sessions' });

const SECRET = 'a secret of thirty-two characters';
const HOUR_MS = 3_600_000;

interface SessionAppOptions {
  readonly cache: CacheModuleOptions;
  readonly store?: SessionStoreOptions;
  /** Milliseconds that a cookie lives; for as long as the browser is open where it is left out. */
  readonly maxAge?: number;
}

export interface SessionApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly cache: CacheService;
  readonly log: NestLog;
  readonly held: HeldRequests;
}

type Start = (options: SessionAppOptions) => Promise<SessionApp>;

const open = new Set<INestApplication>();

/** To be called by the spec file: closes what its tests leave open. */
export function closeSessionApps(): void {
  afterEach(async () => {
    for (const app of open) await app.close();
    open.clear();
  });
}

export async function stop({ app }: SessionApp): Promise<void> {
  open.delete(app);
  await app.close();
}

function moduleOf(cache: CacheModuleOptions) {
  class SessionAppModule {}
  return {
    module: SessionAppModule,
    imports: [CacheModule.forRoot({ namespaces: [sessions], chatNamespaces: false, ...cache })],
    controllers: [VisitsController],
    providers: [HeldRequests],
  };
}

async function listening(app: INestApplication, log: NestLog): Promise<SessionApp> {
  Logger.overrideLogger(log);
  open.add(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl(), cache: app.get(CacheService), log, held: app.get(HeldRequests) };
}

const onExpress: Start = async ({ cache, store, maxAge }) => {
  const log = new NestLog();
  const app = await NestFactory.create(moduleOf(cache), { logger: log, abortOnError: false });
  app.use(
    session({
      secret: SECRET,
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge },
      store: new DurableSessionStore(app.get(CacheService).namespace(sessions), store),
    }),
  );
  return listening(app, log);
};

const onFastify: Start = async ({ cache, store, maxAge = HOUR_MS }) => {
  const log = new NestLog();
  const adapter = new FastifyAdapter();
  const app = await NestFactory.create<NestFastifyApplication>(moduleOf(cache), adapter, {
    logger: log,
    abortOnError: false,
  });
  await app.register(fastifyCookie);
  await app.register(fastifySession, {
    secret: SECRET,
    saveUninitialized: false,
    cookie: { secure: false, maxAge },
    store: new DurableSessionStore(app.get(CacheService).namespace(sessions), store),
  });
  return listening(app, log);
};

export const FRAMEWORKS: readonly { readonly name: string; readonly start: Start }[] = [
  { name: 'express-session on Express', start: onExpress },
  { name: '@fastify/session on Fastify', start: onFastify },
];
