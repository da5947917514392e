import { Module } from '@nestjs/common';
import { CacheModule } from 'nestjs-durable-cache';
import { ScoresModule } from './scores/scores.module.js';

@Module({
  imports: [
    ScoresModule,
    CacheModule.forRootAsync({
      useFactory: () => {
        const database = process.env['CACHE_DATABASE'];
        return database === undefined ? {} : { storage: { type: 'better-sqlite3', database } };
      },
    }),
  ],
})
export class AppModule {}
