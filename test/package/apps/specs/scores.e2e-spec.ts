import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CacheModule, type CacheModuleOptions } from 'nestjs-durable-cache';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { installedDrivers } from './installed-drivers.js';
import { ScoresModule } from '../scores/scores.module.js';

const cwd = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'scores-'));

// The first finds its driver itself.
const options: [string, CacheModuleOptions][] = [
  ['its own choice', {}],
  ...installedDrivers.map((type): [string, CacheModuleOptions] => [
    type,
    { storage: { type, database: `${type}.db` } },
  ]),
];

beforeAll(() => process.chdir(folder));

afterAll(() => {
  process.chdir(cwd);
  rmSync(folder, { recursive: true });
});

describe.each(options)('the application on %s', (_name, cacheOptions) => {
  let app: INestApplication;

  beforeEach(async () => {
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot(cacheOptions), ScoresModule],
    }).compile();
    app = module.createNestApplication();
    await app.init();
  });

  afterEach(() => app.close());

  it('counts', async () => {
    await request(app.getHttpServer()).post('/players/ada/hours/7/points/10').expect(201);
    await request(app.getHttpServer())
      .post('/players/ada/hours/7/points/5')
      .expect({ points: 15, thisHour: 15, streak: 2 });
  });

  it('remembers what the application before it was told', async () => {
    await request(app.getHttpServer())
      .get('/players/ada/hours/7')
      .expect({ points: 15, thisHour: 15, streak: 0 });
  });
});
