import { Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { CacheModule } from 'nestjs-durable-cache';
import type { DataSource } from 'typeorm';
import { Player } from './roster/player.entity.js';
import { RosterModule } from './roster/roster.module.js';
import { ScoresModule } from './scores/scores.module.js';

@Module({
  imports: [
    // The cache connects to where the app's DataSource does, and is stopped after everything that writes to it.
    CacheModule.forRootAsync({
      inject: [getDataSourceToken()],
      useFactory: (storage: DataSource) => ({ storage }),
    }),
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env['DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test',
      entities: [Player],
      synchronize: true,
    }),
    RosterModule,
    ScoresModule,
  ],
})
export class AppModule {}
