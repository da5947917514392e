/** A connection of `redis` or `@redis/client`, as far as it is used here. */
export interface RedisConnection {
  readonly isOpen: boolean;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  once(event: 'connect' | 'end', listener: () => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>;
  publish(channel: string, text: string): Promise<unknown>;
  unref(): void;
  destroy(): void;
}

/** What a connection is told besides where it leads. */
export interface ConnectionSettings {
  readonly socket: object;
}

/** A client of `redis` or `@redis/client`, version 5 or 6, made with `createClient()`. */
export interface RedisClient {
  readonly options?: { readonly url?: string; readonly socket?: object } | undefined;
  duplicate(settings: ConnectionSettings): unknown;
}
