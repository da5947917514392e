import type { INestApplication } from '@nestjs/common';
import type * as durable from '../../src/index.js';

// What examples of README and docs mean by these names where they don't declare them.
declare global {
  interface Session {
    userId: number;
    visits: number;
  }

  const sessions: durable.NamespaceCache<string, Session>;
  const counters: durable.NamespaceCache<string, number>;
  const chatUsers: durable.NamespaceCache<readonly [chatId: number, userId: number], durable.UserData>;
  const cache: durable.CacheService;
  const service: durable.CacheService;
  const app: INestApplication;
  const id: string;
  const chatId: number;

  /** Whatever wakes somebody up. */
  function page(text: string): void;
  /** A histogram, as OpenTelemetry has them. */
  const commits: { record(value: number, attributes: object): void };
}
