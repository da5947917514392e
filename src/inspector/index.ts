export { CacheInspectorModule } from './cache-inspector.module.js';
export type {
  CacheInspectorAsyncOptions,
  CacheInspectorBehaviour,
  CacheInspectorOptions,
  CacheInspectorOptionsFactory,
  CacheInspectorPlace,
} from './inspector-options.js';
