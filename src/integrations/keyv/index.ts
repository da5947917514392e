export { DurableKeyvStore } from './durable-keyv-store.js';
export type { KeyvItem } from './keyv-item.js';
export { keyvNamespace, type KeyvNamespaceOptions } from './keyv-namespace.js';
