import { Module } from '@nestjs/common';
import { CacheModule } from 'nestjs-durable-cache';
import { ScoresController } from './scores.controller.js';
import { hourScores, playerScores, playerStreaks, playerTitles } from './scores.namespaces.js';
import { ScoresService } from './scores.service.js';
import { TitlesController } from './titles.controller.js';
import { TitlesService } from './titles.service.js';

@Module({
  imports: [CacheModule.forFeature([playerScores, hourScores, playerStreaks, playerTitles])],
  controllers: [ScoresController, TitlesController],
  providers: [ScoresService, TitlesService],
})
export class ScoresModule {}
