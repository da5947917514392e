import { Entity, PrimaryColumn } from 'typeorm';

/** Who plays: a table of the app's own. */
@Entity()
export class Player {
  @PrimaryColumn('text')
  name!: string;
}
