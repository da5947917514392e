export { DurableSessionStore } from './durable-session-store.js';
export { sessionNamespace, type SessionNamespaceOptions } from './session-namespace.js';
export type { SessionStoreOptions } from './session-store-options.js';
