import type { SessionStore } from '@fastify/session';
import session, { type SessionData, type Store } from 'express-session';
import { expectTypeOf, it } from 'vitest';
import type { NamespaceCache } from '../../src/index.js';
import { DurableSessionStore, sessionNamespace } from '../../src/integrations/express-session/index.js';
import type { NamespaceOf } from '../../src/index.js';

declare module 'express-session' {
  interface SessionData {
    userId: number;
  }
}

declare module 'fastify' {
  interface Session {
    basket: string[];
  }
}

declare const namespace: NamespaceCache<string, string>;

it('a store suits express-session and @fastify/session, with the sessions that an application declares', () => {
  expectTypeOf(new DurableSessionStore(namespace)).toExtend<Store>();
  expectTypeOf(new DurableSessionStore(namespace)).toExtend<SessionStore>();
  session({ secret: 'a', store: new DurableSessionStore(namespace) });
});

it('a store of a stated type gives sessions of that type', () => {
  const store = new DurableSessionStore<SessionData>(namespace);
  expectTypeOf(store).toExtend<Store>();
  store.all((_error, sessions) => {
    expectTypeOf(sessions).toEqualTypeOf<Record<string, SessionData> | undefined>();
  });
  store.get('a', (_error, found) => {
    expectTypeOf(found?.userId).toEqualTypeOf<number | undefined>();
  });
});

it('the namespace of sessionNamespace() is one that a store takes', () => {
  const sessions = sessionNamespace({ name: 'sessions' });
  expectTypeOf<NamespaceOf<typeof sessions>>().toExtend<
    ConstructorParameters<typeof DurableSessionStore>[0]
  >();
});
