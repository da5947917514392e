import { Module } from '@nestjs/common';
import { CacheModule } from 'nestjs-durable-cache';
import { ScoresModule } from './scores/scores.module';

// Imported before what writes to it: the order makes no difference.
@Module({
  imports: [
    CacheModule.forRootAsync({
      useFactory: () => ({ storage: { type: 'sqlite', database: 'data/scores.sqlite' } }),
    }),
    ScoresModule,
  ],
})
export class AppModule {}
