export { redisBackplane, type RedisBackplaneOptions } from './redis-backplane.js';
export type { RedisClient } from './redis-client.js';
