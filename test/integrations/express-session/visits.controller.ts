import { Controller, Get, Post, Req, Session } from '@nestjs/common';

interface Visits {
  user?: string;
  visits?: number;
  seen?: string[];
}

/** What a cookie lives that is to be remembered. */
export const MONTH_MS = 30 * 86_400_000;

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

/** Holds requests that have read their session, until a test lets them go on. */
export class HeldRequests {
  #go: (() => void)[] = [];

  get count(): number {
    return this.#go.length;
  }

  hold(): Promise<void> {
    return new Promise((resolve) => void this.#go.push(resolve));
  }

  release(): void {
    for (const go of this.#go.splice(0)) go();
  }
}

@Controller()
export class VisitsController {
  constructor(private readonly held: HeldRequests) {}

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

  /** Changes the session long after it was read. */
  @Post('held')
  async visitLater(@Session() session: Visits) {
    await this.held.hold();
    return this.visit(session);
  }

  /** Changes the cookie alone. */
  @Post('remember')
  remember(@Req() { session }: Request) {
    session.cookie.maxAge = MONTH_MS;
    return {};
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
