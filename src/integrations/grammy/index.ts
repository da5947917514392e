export { DurableBotSessions } from './durable-bot-sessions.js';
export { botSessionNamespace, type BotSessionNamespaceOptions } from './bot-session-namespace.js';
export type { BotSessionsOptions } from './bot-sessions-options.js';
