/** How to reach Telegram. */
export interface TelegramAccess {
  readonly token: string;
  /** Where the Bot API is served, when not by Telegram itself. */
  readonly apiRoot: string | undefined;
}

/** The bot's environment. */
export interface Environment {
  /** Absent: the bot talks through a page of its own. */
  readonly telegram: TelegramAccess | undefined;
  /** Port of the page; 0 for any free one. */
  readonly port: number;
  /** The SQLite file of the cache, when not the default one. */
  readonly database: string | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads and checks the environment variables. Throws with the remedy; an empty variable counts as none. */
export function readEnvironment(variables: Variables): Environment {
  const read = (name: string): string | undefined => variables[name]?.trim() || undefined;
  const token = read('TELEGRAM_BOT_TOKEN');
  return {
    telegram: token === undefined ? undefined : { token, apiRoot: apiRoot(read('TELEGRAM_API_ROOT')) },
    port: port(read('PORT') ?? '3000'),
    database: read('CACHE_DATABASE'),
  };
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) throw new Error('PORT must be a whole number from 0 to 65535.');
  return number;
}

function apiRoot(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new Error('TELEGRAM_API_ROOT must be an address such as http://localhost:8081.');
  }
  return text.replace(/\/+$/, '');
}
