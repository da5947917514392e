import {
  CanActivate,
  Controller,
  Delete,
  Get,
  Inject,
  Injectable,
  Logger,
  Module,
  NotFoundException,
  Param,
  ParseIntPipe,
  Put,
  Query,
  SetMetadata,
  UseGuards,
  type DynamicModule,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Cached,
  CacheEvict,
  CacheModule,
  CachePersistenceLevel,
  CachePut,
  CacheService,
  defineNamespace,
  json,
  numberKey,
  tupleKey,
  stringKey,
  type Immutable,
} from '../../../src/index.js';
import { NestLog } from '../../support/nest-app.js';
import { tempFolder } from '../../support/temp-folder.js';

interface Forecast {
  city: string;
  days: number[];
}

const forecasts = defineNamespace({ name: 'forecasts', key: stringKey(), value: json<Forecast>() });
const reports = defineNamespace({
  name: 'reports',
  key: tupleKey(stringKey(), numberKey()),
  value: json<{ text: string }>(),
  persistence: CachePersistenceLevel.ON_SHUTDOWN,
});

const log = new NestLog();
/** What has run, which answers from the cache leave alone. */
let ran: string[] = [];

@Injectable()
class Weather {
  @Cached(forecasts, { key: (city: string) => city })
  async forecast(city: string): Promise<Immutable<Forecast> | undefined> {
    ran.push(`forecast ${city}`);
    return city === 'atlantis' ? undefined : { city, days: [1, 2, 3] };
  }

  @CachePut(forecasts, { key: (city: string) => city })
  async correct(city: string, day: number): Promise<Forecast> {
    ran.push(`correct ${city}`);
    return { city, days: [day] };
  }

  @CacheEvict(forecasts, { key: (city: string) => city })
  @CacheEvict(reports, { prefix: (city: string) => [city] })
  async forget(city: string): Promise<{ city: string }> {
    ran.push(`forget ${city}`);
    return { city };
  }
}

@Injectable()
class RoleGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.get<string | undefined>('role', context.getHandler());
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return role === undefined || headers['x-role'] === role;
  }
}

@Controller('cities/:city')
@UseGuards(RoleGuard)
class WeatherController {
  constructor(@Inject(Weather) private readonly weather: Weather) {}

  @Get()
  async forecast(@Param('city') city: string): Promise<Immutable<Forecast>> {
    const found = await this.weather.forecast(city);
    if (found === undefined) throw new NotFoundException();
    return found;
  }

  @Put('days/:day')
  correct(@Param('city') city: string, @Param('day', ParseIntPipe) day: number): Promise<Forecast> {
    return this.weather.correct(city, day);
  }

  @Delete()
  forget(@Param('city') city: string): Promise<{ city: string }> {
    return this.weather.forget(city);
  }

  /** Decorated between the others, which all must be read. */
  @SetMetadata('role', 'reader')
  @Cached(reports, { key: (city: string, day: number) => [city, day] })
  @Get('reports/:day')
  async report(
    @Param('city') city: string,
    @Param('day', ParseIntPipe) day: number,
    @Query('style') style?: string,
  ): Promise<Readonly<{ text: string }>> {
    ran.push(`report ${city} ${day}`);
    return { text: `${style ?? 'plain'} ${city} ${day + 1}` };
  }

  @Cached(reports, { key: (city: string) => [city, 0] })
  @SetMetadata('role', 'reader')
  @Get('today')
  async today(@Param('city') city: string): Promise<Readonly<{ text: string }>> {
    ran.push(`today ${city}`);
    return { text: `today ${city}` };
  }
}

const folder = tempFolder();
let app: INestApplication | undefined;

async function start(database: string): Promise<void> {
  const cache: DynamicModule = CacheModule.forRoot({
    storage: { type: 'better-sqlite3', database: join(folder, database) },
    chatNamespaces: false,
    checkpointIntervalMs: false,
  });
  @Module({
    imports: [cache, CacheModule.forFeature([forecasts, reports])],
    controllers: [WeatherController],
    providers: [Weather],
  })
  class AppModule {}
  app = await NestFactory.create(AppModule, { logger: log, abortOnError: false });
  Logger.overrideLogger(log);
  await app.listen(0);
  ran = [];
}

async function stop(): Promise<void> {
  await app?.close();
  app = undefined;
}

async function request(method: string, path: string, role = 'reader'): Promise<unknown> {
  const response = await fetch(`${await app?.getUrl()}${path}`, { method, headers: { 'x-role': role } });
  return response.ok ? response.json() : response.status;
}

afterEach(stop);

describe('an application with decorated methods, over HTTP, on a SQLite file', () => {
  it('answers from the cache, and goes on with that after a restart', async () => {
    await start('restart.sqlite');
    const forecast = { city: 'oslo', days: [1, 2, 3] };
    expect(await request('GET', '/cities/oslo')).toEqual(forecast);
    expect(await request('GET', '/cities/oslo')).toEqual(forecast);
    expect(await request('PUT', '/cities/rome/days/7')).toEqual({ city: 'rome', days: [7] });
    expect(await request('GET', '/cities/oslo/reports/4')).toEqual({ text: 'plain oslo 5' });
    expect(ran).toEqual(['forecast oslo', 'correct rome', 'report oslo 4']);

    await stop();
    await start('restart.sqlite');
    expect(await request('GET', '/cities/oslo')).toEqual(forecast);
    expect(await request('GET', '/cities/rome')).toEqual({ city: 'rome', days: [7] });
    expect(await request('GET', '/cities/oslo/reports/4')).toEqual({ text: 'plain oslo 5' });
    expect(ran).toEqual([]);

    expect(await request('DELETE', '/cities/oslo')).toEqual({ city: 'oslo' });
    await stop();
    await start('restart.sqlite');
    expect(await request('GET', '/cities/oslo')).toEqual(forecast);
    await request('GET', '/cities/oslo/reports/4');
    expect(ran).toEqual(['forecast oslo', 'report oslo 4']);
  });

  it('does not find what there is not, and asks again', async () => {
    await start('nothing.sqlite');
    for (const _ of [1, 2]) expect(await request('GET', '/cities/atlantis')).toBe(404);
    expect(ran).toEqual(['forecast atlantis', 'forecast atlantis']);
  });

  it('keeps guards, pipes and parameters of a handler that is cached, in whatever order it is decorated', async () => {
    await start('handlers.sqlite');
    expect(await request('GET', '/cities/oslo/reports/4?style=long')).toEqual({ text: 'long oslo 5' });
    expect(await request('GET', '/cities/oslo/reports/4')).toEqual({ text: 'long oslo 5' });
    expect(await request('GET', '/cities/oslo/today')).toEqual({ text: 'today oslo' });
    for (const path of ['reports/4', 'today'])
      expect(await request('GET', `/cities/oslo/${path}`, 'stranger')).toBe(403);
    expect(await request('GET', '/cities/oslo/reports/four')).toBe(400);
    expect(ran).toEqual(['report oslo 4', 'today oslo']);
    expect(await app?.get(CacheService).namespace(reports).count()).toBe(2);
  });

  it('runs a method once for many requests at the same time', async () => {
    await start('stampede.sqlite');
    await Promise.all(Array.from({ length: 20 }, () => request('GET', '/cities/oslo')));
    expect(ran).toEqual(['forecast oslo']);
  });
});
