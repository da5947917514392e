/** A connection of a backplane to what carries its texts, from its beginning to its end. It does not come back: another one is made. */
export interface BackplaneLink {
  /** Resolves when the channel is listened to. */
  subscribe(channel: string): Promise<void>;
  /** Resolves when the carrier has taken the text. */
  publish(channel: string, text: string): Promise<void>;
  /** Ends it at once, also where the other end is silent. Called once, also after it has broken. */
  close(): Promise<void>;
}

/** What a link is made for. */
export interface LinkRequest {
  readonly onMessage: (channel: string, text: string) => void;
  /** The connection has broken. Only the first call counts. */
  readonly onEnd: (error: unknown) => void;
  /** Aborted when nobody waits for the connection any more, after 5 s or at a close. One that comes all the same is closed. */
  readonly signal: AbortSignal;
  /** Connects to the cache's own database, where it carries messages: PostgreSQL does. */
  readonly database: BackplaneConnect | undefined;
}

/** Makes a connection. Once it is there, it should not keep the process alive (`unref`). */
export type BackplaneConnect = (request: LinkRequest) => Promise<BackplaneLink>;
