import { Controller, Delete, Get, Param } from '@nestjs/common';
import { TitlesService } from './titles.service.js';

@Controller('players/:player/title')
export class TitlesController {
  constructor(private readonly titles: TitlesService) {}

  @Get()
  async show(@Param('player') player: string): Promise<{ title: string; asked: number }> {
    return { title: await this.titles.of(player), asked: this.titles.asked };
  }

  @Delete()
  async forget(@Param('player') player: string): Promise<{ forgotten: string }> {
    return { forgotten: await this.titles.forget(player) };
  }
}
