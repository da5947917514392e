import { join } from 'node:path';
import {
  Controller,
  Get,
  Inject,
  Logger,
  Module,
  Param,
  Post,
  type DynamicModule,
  type INestApplication,
  type OnApplicationShutdown,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { onTestFinished } from 'vitest';
import {
  CacheModule,
  CacheService,
  type CacheModuleOptions,
  type NamespaceCache,
} from '../../../src/index.js';
import { CacheTelemetryModule } from '../../../src/integrations/opentelemetry/index.js';
import { MEMORY_ONLY, namespaceOf, ON_CHANGE, ON_SHUTDOWN } from '../../support/definitions.js';
import { NestLog } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';
import type { Sdk } from './sdk.js';

const carts = namespaceOf<number>(ON_CHANGE, { name: 'carts', maxEntries: 2 });
const drafts = namespaceOf<number>(ON_SHUTDOWN, { name: 'drafts', maxBytes: 100_000 });
const scratch = namespaceOf<number>(MEMORY_ONLY, { name: 'scratch', maxEntries: 1 });

const folder = tempFolder();
let files = 0;
export const newFile = (): string => join(folder, `${(files += 1)}.sqlite`);

/** What the spans of requests are made with. */
const SDK = Symbol('sdk');

@Controller('carts')
class CartsController {
  constructor(
    private readonly cache: CacheService,
    @Inject(SDK) private readonly sdk: Sdk,
  ) {}

  @Get(':key')
  async read(@Param('key') key: string): Promise<string> {
    let value: number | undefined;
    await this.sdk.request(`GET ${key}`, async () => {
      value = await this.cache.namespace(carts).get(key);
    });
    return String(value);
  }

  @Post(':key/:value')
  async write(@Param('key') key: string, @Param('value') value: string): Promise<void> {
    await this.sdk.request(`POST ${key}`, () => this.cache.namespace(carts).set(key, Number(value)));
  }
}

/** Writes when the application has drained its cache already. */
@Module({})
export class LateWriterModule implements OnApplicationShutdown {
  constructor(private readonly cache: CacheService) {}

  async onApplicationShutdown(): Promise<void> {
    await this.cache.namespace(drafts).set('late', 1);
  }
}

export interface TelemetryApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly cache: CacheService;
  readonly carts: NamespaceCache<string, number>;
  readonly drafts: NamespaceCache<string, number>;
  readonly scratch: NamespaceCache<string, number>;
}

/** Telemetry that goes to the SDK of a test. */
export function telemetryOf({ meterProvider, tracerProvider }: Sdk): DynamicModule {
  return CacheTelemetryModule.forRoot({ meterProvider, tracerProvider });
}

/** An application with a namespace of each level and its telemetry, on a file unless told otherwise. Closed with the test. */
export async function startTelemetryApp(
  sdk: Sdk,
  options: CacheModuleOptions = {},
  telemetry: readonly (DynamicModule | Type)[] = [telemetryOf(sdk)],
): Promise<TelemetryApp> {
  class AppModule {}
  const module = {
    module: AppModule,
    imports: [
      CacheModule.forRoot({
        storage: { type: 'better-sqlite3', database: newFile() },
        checkpointIntervalMs: false,
        chatNamespaces: false,
        namespaces: [carts, drafts, scratch],
        ...options,
      }),
      ...telemetry,
    ],
    controllers: [CartsController],
    providers: [{ provide: SDK, useValue: sdk }],
  };
  const logger = new NestLog();
  const app = await NestFactory.create(module, { logger, abortOnError: false });
  Logger.overrideLogger(logger);
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const cache = app.get(CacheService);
  return {
    app,
    url: await app.getUrl(),
    cache,
    carts: cache.namespace(carts),
    drafts: cache.namespace(drafts),
    scratch: cache.namespace(scratch),
  };
}
