import { Controller, Delete, Get, Param, ParseIntPipe, Post } from '@nestjs/common';
import { ScoresService, type Standing } from './scores.service.js';

@Controller('players/:player')
export class ScoresController {
  constructor(private readonly scores: ScoresService) {}

  @Post('hours/:hour/points/:points')
  add(
    @Param('player') player: string,
    @Param('hour', ParseIntPipe) hour: number,
    @Param('points', ParseIntPipe) points: number,
  ): Promise<Standing> {
    return this.scores.add(player, hour, points);
  }

  @Get('hours/:hour')
  standing(@Param('player') player: string, @Param('hour', ParseIntPipe) hour: number): Promise<Standing> {
    return this.scores.standing(player, hour);
  }

  @Delete()
  async forget(@Param('player') player: string): Promise<{ forgotten: boolean }> {
    return { forgotten: await this.scores.forget(player) };
  }
}
