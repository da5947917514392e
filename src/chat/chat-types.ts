/** Settings of a chat: JSON values by name. */
export type ChatSettings = Record<string, unknown>;

/** What is known of a chat. */
export interface ChatInfo {
  title?: string;
  type?: string;
  /** Whatever else the app keeps: JSON values by name. */
  [field: string]: unknown;
}

/** The stored record of a chat: both parts are written on their own, and neither touches the other. */
export interface ChatRecord {
  settings?: ChatSettings;
  info?: ChatInfo;
}

/** What is remembered of a user in a chat: JSON values by name. */
export type UserData = Record<string, unknown>;

/** Temporary state of a user, by name: anything, since it never leaves memory. */
export type UserState = Record<string, unknown>;
