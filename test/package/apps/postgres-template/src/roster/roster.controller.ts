import { Controller, Get, Param, Post } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { Player } from './player.entity.js';

@Controller('roster')
export class RosterController {
  constructor(@InjectRepository(Player) private readonly players: Repository<Player>) {}

  @Get()
  list(): Promise<Player[]> {
    return this.players.find({ order: { name: 'ASC' } });
  }

  @Post(':name')
  add(@Param('name') name: string): Promise<Player> {
    return this.players.save({ name });
  }
}
