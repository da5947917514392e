import { Injectable } from '@nestjs/common';
import { Cached, CacheEvict } from 'nestjs-durable-cache';
import { playerTitles } from './scores.namespaces.js';

/** Titles of players, from somewhere slow. */
@Injectable()
export class TitlesService {
  /** How often the slow place was asked since the start. */
  asked = 0;

  @Cached(playerTitles, { key: (player: string) => player })
  async of(player: string): Promise<string> {
    this.asked += 1;
    return `${player} the great`;
  }

  @CacheEvict(playerTitles, { key: (player: string) => player })
  async forget(player: string): Promise<string> {
    return player;
  }
}
