import { Module } from '@nestjs/common';
import { CacheModule } from 'nestjs-durable-cache';
import { ScoresModule } from './scores/scores.module.js';

@Module({ imports: [CacheModule.forRoot(), ScoresModule] })
export class AppModule {}
