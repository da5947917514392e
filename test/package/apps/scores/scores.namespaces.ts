import { CachePersistenceLevel, defineNamespace, json, numberKey, stringKey } from 'nestjs-durable-cache';

/** What a player may not lose: committed before the answer goes out. */
export const playerScores = defineNamespace({
  name: 'scores',
  key: stringKey(),
  value: json<{ points: number }>(),
  persistence: CachePersistenceLevel.ON_CHANGE,
});

/** Points given in each hour of the day (0 to 23): counted in memory, written at checkpoints and at the stop. */
export const hourScores = defineNamespace({
  name: 'hours',
  key: numberKey(),
  value: json<{ points: number }>(),
  persistence: CachePersistenceLevel.ON_SHUTDOWN,
});

/** How often in a row a player scored since the start. */
export const playerStreaks = defineNamespace({
  name: 'streaks',
  key: stringKey(),
  value: json<number>(),
  persistence: CachePersistenceLevel.MEMORY_ONLY,
});

/** What decorated methods find out about a player, once. */
export const playerTitles = defineNamespace({
  name: 'titles',
  key: stringKey(),
  value: json<string>(),
  persistence: CachePersistenceLevel.ON_CHANGE,
});
