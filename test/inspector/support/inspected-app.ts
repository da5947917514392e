import {
  Logger,
  type DynamicModule,
  type INestApplication,
  type NestApplicationOptions,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { CacheModule, CacheService, InMemoryStorage, type CacheModuleOptions } from '../../../src/index.js';
import { CacheInspectorModule, type CacheInspectorOptions } from '../../../src/inspector/index.js';
import { NestLog } from '../../support/nest-app.js';
import { InspectorClient } from './inspector-client.js';

export type Platform = 'Express' | 'Fastify';

/** Those that there are for the line of NestJS under test. */
export const PLATFORMS: readonly Platform[] =
  process.env['NEST_LINE'] === '11' ? ['Express'] : ['Express', 'Fastify'];

export interface InspectedAppOptions {
  readonly platform?: Platform;
  readonly cache?: CacheModuleOptions;
  readonly inspector?: CacheInspectorOptions | DynamicModule;
  readonly imports?: readonly (DynamicModule | Type)[];
  readonly nest?: NestApplicationOptions;
  /** What is done before it listens. */
  readonly prepare?: (app: INestApplication) => unknown;
  /** The address that it listens at. Default this machine's own. */
  readonly address?: string;
}

/** An application with an inspector, that listens. */
export interface InspectedApp {
  readonly app: INestApplication;
  readonly cache: CacheService;
  readonly log: NestLog;
  readonly port: number;
  /** Asks its inspector at `/cache`. */
  readonly client: InspectorClient;
}

const running = new Set<INestApplication>();

/** Starts an application; it is closed after the test. */
export async function inspectedApp(options: InspectedAppOptions = {}): Promise<InspectedApp> {
  const {
    platform = 'Express',
    cache,
    inspector = {},
    imports = [],
    nest,
    prepare,
    address = '127.0.0.1',
  } = options;
  class InspectedModule {}
  const root: DynamicModule = {
    module: InspectedModule,
    imports: [
      CacheModule.forRoot({ storage: new InMemoryStorage(), chatNamespaces: false, ...cache }),
      'module' in inspector ? inspector : CacheInspectorModule.forRoot(inspector),
      ...imports,
    ],
  };
  const log = new NestLog();
  const settings = { logger: log, abortOnError: false, ...nest };
  const app =
    platform === 'Express'
      ? await NestFactory.create(root, settings)
      : await NestFactory.create(root, new (await fastify())(), settings);
  Logger.overrideLogger(log);
  await prepare?.(app);
  running.add(app);
  await app.listen(0, address);
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { app, cache: app.get(CacheService), log, port, client: new InspectorClient(port) };
}

/** Closes an application within its test. */
export async function closeApp({ app }: Pick<InspectedApp, 'app'>): Promise<void> {
  running.delete(app);
  await app.close();
}

/** NestJS 11 is installed without it here. */
async function fastify(): Promise<typeof import('@nestjs/platform-fastify').FastifyAdapter> {
  return (await import('@nestjs/platform-fastify')).FastifyAdapter;
}

afterEach(async () => {
  for (const app of running) await closeApp({ app });
});
