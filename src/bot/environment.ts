import type { CacheOptions, InstanceMode } from '../index.js';

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
  /** Where the cache is stored, and whether other processes work there, when not as it is by default. */
  readonly cache: Pick<CacheOptions, 'storage' | 'instances'>;
}

type ServerType = 'postgres' | 'mysql' | 'mariadb';

const SERVERS: Readonly<Record<string, ServerType>> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mariadb',
};

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads and checks the environment variables. Throws with the remedy; an empty variable counts as none. */
export function readEnvironment(variables: Variables): Environment {
  const read = (name: string): string | undefined => variables[name]?.trim() || undefined;
  const token = read('TELEGRAM_BOT_TOKEN');
  return {
    telegram: token === undefined ? undefined : { token, apiRoot: apiRoot(read('TELEGRAM_API_ROOT')) },
    port: port(read('PORT') ?? '3000'),
    cache: {
      storage: storage(read('DATABASE_URL'), read('CACHE_DATABASE')),
      instances: instances(read('CACHE_INSTANCES')),
    },
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

/** Says nothing of an address that it refuses: there may be a password in it. */
function storage(url: string | undefined, file: string | undefined): CacheOptions['storage'] {
  if (url === undefined) return file === undefined ? undefined : { type: 'sqlite', database: file };
  if (file !== undefined)
    throw new Error('DATABASE_URL and CACHE_DATABASE name two databases. Set one of them.');
  const type = URL.canParse(url) ? SERVERS[new URL(url).protocol] : undefined;
  if (type === undefined) {
    throw new Error(
      'DATABASE_URL must begin with postgres://, mysql:// or mariadb://. CACHE_DATABASE names a file.',
    );
  }
  return { type, url };
}

function instances(text: string | undefined): InstanceMode | undefined {
  if (text !== undefined && text !== 'one' && text !== 'many')
    throw new Error('CACHE_INSTANCES must be one or many.');
  return text;
}
