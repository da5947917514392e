import { createClient } from '@redis/client';
import { LinkedBackplane, type Backplane } from '../../index.js';
import { OptionCheck } from '../option-check.js';
import type { ConnectionSettings, RedisClient, RedisConnection } from './redis-client.js';
import { RedisLink } from './redis-link.js';

const REDIS_BACKPLANE = new OptionCheck('redisBackplane()');

/** How long a connection may take, ms. */
const CONNECT_TIMEOUT_MS = 5000;
/** What a prefix may be: channels are seen in logs and in rules of access. */
const PREFIX = /^[\w:.-]{0,100}$/;

/** Where Redis is: `url` or `client`, one of them. */
export interface RedisBackplaneOptions {
  /** `redis://` or `rediss://` (TLS), with user, password, host and port. */
  readonly url?: string | undefined;
  /**
   * A client of the application, made with `createClient()` of `redis` or `@redis/client`, version 5 or 6; it need not be
   * connected. It is duplicated, with its credentials and its TLS: nothing is sent through it, and it is never closed.
   */
  readonly client?: RedisClient | undefined;
  /**
   * What the names of channels begin with. Default nothing. Caches that share a Redis are kept apart by the identity of their
   * databases, which a copy of a database shares with it: give staging a prefix where its database is a copy of production's.
   */
  readonly prefix?: string | undefined;
}

/**
 * A backplane on Redis' publish and subscribe, with two connections of its own. For many instances that write much, and for
 * databases that carry no messages. Nothing is stored in Redis. Make one for each cache. Throws `INVALID_OPTION` for options
 * that it can't connect with.
 */
export function redisBackplane(options: RedisBackplaneOptions): Backplane {
  const { url, client, prefix = '' } = options;
  if ((url === undefined) === (client === undefined))
    throw REDIS_BACKPLANE.refusal(
      'client',
      "takes { url: 'redis://localhost:6379' } or { client }: one of them.",
    );
  if (typeof prefix !== 'string' || !PREFIX.test(prefix)) {
    throw REDIS_BACKPLANE.refusal(
      'prefix',
      "takes a prefix of at most 100 letters, digits, '_', ':', '.' and '-'.",
    );
  }
  const newConnection = client === undefined ? connectionsTo(url as string) : duplicatesOf(client);
  return new LinkedBackplane({
    name: `Redis at ${placeOf(url ?? client?.options?.url, client?.options?.socket)}`,
    connect: (request) => RedisLink.connect(newConnection, prefix, request),
  });
}

function connectionsTo(url: string): () => RedisConnection {
  const { protocol } = addressOf(url) ?? {};
  // The address is not shown: it may hold a password.
  if (protocol !== 'redis:' && protocol !== 'rediss:')
    throw REDIS_BACKPLANE.refusal('url', 'takes a url such as redis://localhost:6379, or rediss:// for TLS.');
  return () => createClient({ url, ...settings() });
}

function duplicatesOf(client: RedisClient): () => RedisConnection {
  if (typeof (client as Partial<RedisClient> | null)?.duplicate !== 'function')
    throw REDIS_BACKPLANE.refusal(
      'client',
      "takes a client made with createClient() of 'redis' or '@redis/client'.",
    );
  return () => client.duplicate(settings(client.options?.socket)) as RedisConnection;
}

/** A connection that breaks is over, with all that was to be sent on it: nothing is queued for another one. */
function settings(socket: object = {}): ConnectionSettings {
  return { socket: { ...socket, connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false } };
}

/** For logs: no credentials. */
function placeOf(url: string | undefined, socket: object = {}): string {
  const address = url === undefined ? undefined : addressOf(url);
  if (address !== undefined && address.hostname !== '') return `${address.hostname}:${address.port || 6379}`;
  const { host, port, path } = socket as { host?: string; port?: number; path?: string };
  return path ?? `${host ?? 'localhost'}:${port ?? 6379}`;
}

function addressOf(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
