// A Nest application context that says when it is there: with nothing, with TypeORM, or with the cache.
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';

const [kind, database] = process.argv.slice(2);
const imports = {
  nest: async () => [],
  async typeorm() {
    const { DataSource } = await import('typeorm');
    const provider = {
      provide: DataSource,
      useFactory: () => new DataSource({ type: 'sqlite', database, enableWAL: true }).initialize(),
    };
    return [{ module: class BareTypeOrmModule {}, providers: [provider], exports: [DataSource] }];
  },
  async memory() {
    const { CacheModule } = await import('../../../dist/src/index.js');
    const memory = { persistence: 'memory' };
    return [CacheModule.forRoot({ overrides: { chats: memory, chatUsers: memory, users: memory } })];
  },
  async sqlite() {
    const { CacheModule } = await import('../../../dist/src/index.js');
    return [CacheModule.forRoot({ storage: { type: 'sqlite', database } })];
  },
};

class StartModule {}
const app = await NestFactory.createApplicationContext(
  { module: StartModule, imports: await imports[kind]() },
  { logger: false },
);
process.stdout.write('there\n');
await app.close();
process.exit(0);
