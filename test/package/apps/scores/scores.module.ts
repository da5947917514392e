import { Module } from '@nestjs/common';
import { CacheModule } from 'nestjs-durable-cache';
import { ScoresController } from './scores.controller.js';
import { hourScores, playerScores, playerStreaks } from './scores.namespaces.js';
import { ScoresService } from './scores.service.js';

@Module({
  imports: [CacheModule.forFeature([playerScores, hourScores, playerStreaks])],
  controllers: [ScoresController],
  providers: [ScoresService],
})
export class ScoresModule {}
