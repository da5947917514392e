import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Player } from './player.entity.js';
import { RosterController } from './roster.controller.js';

@Module({ imports: [TypeOrmModule.forFeature([Player])], controllers: [RosterController] })
export class RosterModule {}
