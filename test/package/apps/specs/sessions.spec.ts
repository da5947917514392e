import { Test } from '@nestjs/testing';
import { CacheModule, CacheService, InMemoryStorage } from 'nestjs-durable-cache';
import { DurableSessionStore, sessionNamespace } from 'nestjs-durable-cache/express-session';

interface Session {
  readonly cookie: { readonly maxAge: number };
  readonly user: string;
}

// Without the types of express-session, which an application on Fastify does not have.
describe('sessions', () => {
  it('are kept in the cache', async () => {
    const sessions = sessionNamespace({ name: 'sessions' });
    const module = await Test.createTestingModule({
      imports: [CacheModule.forRoot({ storage: new InMemoryStorage(), namespaces: [sessions] })],
    }).compile();
    const store = new DurableSessionStore<Session>(module.get(CacheService).namespace(sessions));
    await new Promise<void>((resolve, reject) => {
      const session = { cookie: { maxAge: 60_000 }, user: 'ada' };
      store.set('a', session, (error) => (error ? reject(error as Error) : resolve()));
    });
    const found = await new Promise((resolve) => {
      store.get('a', (_error, session) => resolve(session?.user));
    });
    expect(found).toBe('ada');
    await module.close();
  });
});
