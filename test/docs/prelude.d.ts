import type { INestApplication } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type * as cache from '../../src/index.js';

// What examples of README and docs mean by these names where they don't declare them.
declare global {
  interface Session {
    userId: number;
    visits: number;
  }

  const sessions: cache.NamespaceCache<string, Session>;
  const counters: cache.NamespaceCache<string, number>;
  const service: cache.CacheService;
  const app: INestApplication;
  const db: DataSource;
  const id: string;
}
