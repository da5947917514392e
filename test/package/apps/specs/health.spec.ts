import { Controller, Get, type INestApplication } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { json, defineNamespace, stringKey } from 'nestjs-durable-cache';
import { DurableCacheHealthIndicator } from 'nestjs-durable-cache/terminus';
import { CacheTesting, CacheTestingModule } from 'nestjs-durable-cache/testing';
import request from 'supertest';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly cache: DurableCacheHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  ready() {
    return this.health.check([() => this.cache.check('cache', { maxFailingMs: 10_000 })]);
  }
}

describe('the health check', () => {
  it('is 200 while the database is away for a short time, and then 503', async () => {
    const scores = defineNamespace({ name: 'scores', key: stringKey(), value: json<number>() });
    const module = await Test.createTestingModule({
      imports: [CacheTestingModule.forRoot({ namespaces: [scores] }), TerminusModule],
      controllers: [HealthController],
      providers: [DurableCacheHealthIndicator],
    }).compile();
    const app: INestApplication = module.createNestApplication();
    // terminus logs each check that fails.
    app.useLogger(false);
    await app.init();
    const { clock, storage } = module.get(CacheTesting);
    const health = (status: number) => request(app.getHttpServer()).get('/health').expect(status);

    expect((await health(200)).body).toMatchObject({ status: 'ok', info: { cache: { status: 'up' } } });
    storage.failReads(Infinity);
    // What is degraded is up to terminus 11, and not to 12.
    expect((await health(200)).body).toMatchObject({
      info: { cache: { status: expect.stringMatching(/^(up|degraded)$/), health: 'down' } },
    });
    await clock.advance(10_000);
    expect((await health(503)).body).toMatchObject({ status: 'error', error: { cache: { status: 'down' } } });
    storage.heal();
    await health(200);
    await app.close();
  });
});
