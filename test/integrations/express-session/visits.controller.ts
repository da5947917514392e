import { Controller, Get, Post, Req, Session } from '@nestjs/common';

interface Visits {
  user?: string;
  visits?: number;
  seen?: string[];
}

type Callback = (error?: Error) => void;

/** What sessions of Express and of Fastify have in common. */
interface Request {
  session: Visits & {
    cookie: { maxAge?: number };
    destroy(callback: Callback): void;
    regenerate(callback: Callback): void;
    save(callback: Callback): void;
  };
}

@Controller()
export class VisitsController {
  /** Changes the session in place, in its depths too. */
  @Post('visits')
  visit(@Session() session: Visits) {
    session.visits = (session.visits ?? 0) + 1;
    (session.seen ??= []).push(`visit ${session.visits}`);
    return { visits: session.visits, seen: session.seen };
  }

  /** Changes nothing. */
  @Get('visits')
  look(@Session() session: Visits) {
    return { visits: session.visits ?? 0, user: session.user ?? null };
  }

  @Get('left')
  left(@Req() { session }: Request) {
    return { leftMs: session.cookie.maxAge };
  }

  /** As one should: with a new id. */
  @Post('login')
  async login(@Req() request: Request) {
    await called((done) => request.session.regenerate(done));
    request.session.user = 'ada';
    return { user: request.session.user };
  }

  @Post('logout')
  async logout(@Req() { session }: Request) {
    await called((done) => session.destroy(done));
    return {};
  }
}

function called(call: (done: Callback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()));
  });
}
