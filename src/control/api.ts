/** Control's HTTP API (`wire/api.ts`): thin, every decision is Control's. */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { stream } from 'hono/streaming';
import type * as z from 'zod';
import { ERRORS, SegueError, toErrorRecord } from '../core/errors.ts';
import { flagOf } from '../core/flags/rollout.ts';
import { limits } from '../core/limits.ts';
import {
  API_HEADER,
  API_VERSION,
  type ApiError,
  applyRequest,
  contractRequest,
  deployRequest,
  type DeployResponse,
  downRequest,
  type JournalResponse,
  type ReleaseResponse,
  type ReleasesResponse,
  type OrderResponse,
  promoteRequest,
  rollbackAllRequest,
  rollbackRequest,
  type ServicesResponse,
  togetherRequest,
  wordRequest,
} from '../wire/api.ts';
import { SEGUE_VERSION } from '../wire/version.ts';
import { accessLines } from './access-lines.ts';
import type { Control } from './control.ts';
import { flagRoutes } from './flags/flag-api.ts';
import { followRelease } from './follow.ts';
import { type LogQuery, logLines } from './log-lines.ts';
import { Seats } from './seats.ts';
import { trafficOf } from './traffic-view.ts';
import { wayBackFrom } from './way-back.ts';
import { statusOf, summaryOf } from './views.ts';

export function makeApi(control: Control): Hono {
  const app = new Hono();
  app.onError((error) => answerError(error));
  app.notFound((context) => answerError(new SegueError('BAD_REQUEST', `no ${context.req.path}`)));
  app.use('/v1/*', async (context, next) => {
    const version = context.req.header(API_HEADER);
    if (version !== String(API_VERSION))
      throw new SegueError(
        'BAD_REQUEST',
        `Control is Segue ${SEGUE_VERSION} (API ${API_VERSION}); the request is for API ${version ?? '?'}.`,
      );
    await next();
  });
  const onError = () => answerError(new SegueError('BAD_REQUEST', 'The body is too large.'));
  app.use('/v1/*', bodyLimit({ maxSize: limits.api.bodyBytesMax, onError }));
  reading(app, control);
  acting(app, control);
  streaming(app, control);
  flagRoutes(app, control, read);
  return app;
}

function reading(app: Hono, control: Control): void {
  const { store } = control.ports;
  app.get('/v1/status', async (context) => context.json(await statusOf(control)));
  app.get('/v1/traffic', (context) => context.json(trafficOf(control, context.req.query('service') ?? null)));
  app.get('/v1/releases', async (context) => {
    const asked = context.req.query('service');
    const service = asked ? control.flags.rollouts.subjectOf(asked) : undefined;
    const limit = numberOf(context, 'limit') ?? 20;
    const releases = await store.releases({ ...(service ? { service } : {}), limit });
    return context.json({ releases: releases.map(summaryOf) } satisfies ReleasesResponse);
  });
  app.get('/v1/releases/:id', async (context) => {
    const id = context.req.param('id');
    const release = await store.release(id);
    if (!release) throw new SegueError('RELEASE_UNKNOWN', id);
    const entries = await store.entries({ release: id, limit: limits.store.entriesPerPageMax });
    const judging = control.judge.judging(id);
    const summary = summaryOf(release);
    const others = await Promise.all(summary.together.map((other) => store.release(other.release)));
    const companions = others.flatMap((other) => (other ? [summaryOf(other)] : []));
    return context.json({
      ...{ release, summary, companions, judging, entries },
      standing: control.judge.standing(id),
      back: wayBackFrom(control, release),
      contracts: control.database.contractsOf(release.plan),
    } satisfies ReleaseResponse);
  });
  app.get('/v1/services', async (context) =>
    context.json({ services: await control.serviceNames() } satisfies ServicesResponse),
  );
  app.get('/v1/journal', async (context) => {
    const afterSeq = numberOf(context, 'after') ?? 0;
    const limit = numberOf(context, 'limit') ?? limits.store.entriesPerPageMax;
    return context.json({ entries: await store.entries({ afterSeq, limit }) } satisfies JournalResponse);
  });
}

function acting(app: Hono, control: Control): void {
  app.post('/v1/plan', async (context) =>
    context.json(await control.plan(await read(context, deployRequest))),
  );
  app.post('/v1/releases', async (context) =>
    context.json(await control.deploy(await read(context, deployRequest))),
  );
  app.post('/v1/together/plan', async (context) =>
    context.json(await control.planTogether(await read(context, togetherRequest))),
  );
  app.post('/v1/together', async (context) =>
    context.json(await control.deployTogether(await read(context, togetherRequest))),
  );
  app.post('/v1/services/:service/rollback-all', async (context) => {
    const request = await read(context, rollbackAllRequest);
    return context.json(await control.rollbackAll(context.req.param('service'), request));
  });
  app.post('/v1/services/:service/rollback', async (context) => {
    const request = await read(context, rollbackRequest);
    const subject = subjectIn(context, control);
    if (flagOf(subject) === null) return context.json(await control.rollback(subject, request));
    if (request.to !== null) throw new SegueError('BAD_REQUEST', 'A flag goes back to what was before.');
    const release = await control.flags.rollouts.rollback(subject, request);
    return context.json({ release } satisfies DeployResponse);
  });
  saying(app, control);
  app.post('/v1/apply', async (context) => {
    const { renewGateway } = await read(context, applyRequest);
    return context.json(await control.apply(renewGateway));
  });
  app.post('/v1/database/contract', async (context) => {
    const { change, now, by, reason } = await read(context, contractRequest);
    await control.database.contracts.ask(change, now, { by, reason });
    return context.json(control.database.status());
  });
  app.post('/v1/down', async (context) => {
    const { instances } = await read(context, downRequest);
    await control.stop(instances);
    return context.json({});
  });
}

/** What people say to the release of a service that is under way. */
function saying(app: Hono, control: Control): void {
  const { orders } = control;
  for (const verb of ['abort', 'pause', 'resume', 'approve'] as const)
    app.post(`/v1/services/:service/${verb}`, async (context) => {
      const request = await read(context, wordRequest);
      const release = await orders[verb](subjectIn(context, control), request);
      return context.json({ release } satisfies OrderResponse);
    });
  app.post('/v1/services/:service/promote', async (context) => {
    const { extent, ...word } = await read(context, promoteRequest);
    const release = await orders.promote(subjectIn(context, control), extent, word);
    return context.json({ release } satisfies OrderResponse);
  });
}

/** A service, or a flag where no service is called so. */
function subjectIn(context: Context, control: Control): string {
  return control.flags.rollouts.subjectOf(context.req.param('service') ?? '');
}

function streaming(app: Hono, control: Control): void {
  const seats = new Seats(limits.api.followersMax);
  app.get('/v1/releases/:id/events', async (context) => {
    const id = context.req.param('id');
    if (!(await control.ports.store.release(id))) throw new SegueError('RELEASE_UNKNOWN', id);
    const after = numberOf(context, 'after') ?? 0;
    return jsonLines(context, seats, (signal) => followRelease(control, id, after, signal));
  });
  app.get('/v1/logs', (context) => {
    const query = logQueryOf(context);
    return jsonLines(context, seats, (signal) => logLines(control, query, signal));
  });
  app.get('/v1/access', (context) => {
    const query = logQueryOf(context);
    return jsonLines(context, seats, (signal) => accessLines(control, query, signal));
  });
}

function logQueryOf(context: Context): LogQuery {
  return {
    service: context.req.query('service') ?? null,
    instance: context.req.query('instance') ?? null,
    lines: numberOf(context, 'lines') ?? 50,
    follow: context.req.query('follow') === '1',
  };
}

/**
 * One JSON value per line; null is an empty line, a heartbeat that finds out who has left. What `values` throws
 * at once is the answer.
 */
function jsonLines(
  context: Context,
  seats: Seats,
  values: (signal: AbortSignal) => AsyncIterable<unknown>,
): Response {
  const gone = new AbortController();
  const lines = values(gone.signal);
  const leave = seats.take();
  context.header('content-type', 'application/jsonl');
  return stream(context, async (out) => {
    out.onAbort(() => gone.abort());
    try {
      for await (const value of lines) await out.write(value === null ? '\n' : `${JSON.stringify(value)}\n`);
    } finally {
      leave();
    }
  });
}

async function read<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const result = schema.safeParse(parsed(await context.req.text()));
  if (result.success) return result.data;
  const places = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the body'}: ${message}`,
  );
  throw new SegueError('BAD_REQUEST', places.join('; '));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SegueError('BAD_REQUEST', 'The body is not JSON.');
  }
}

function numberOf(context: Context, name: string): number | undefined {
  const text = context.req.query(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new SegueError('BAD_REQUEST', `${name}=${text}`);
  return Math.min(value, name === 'limit' ? limits.store.entriesPerPageMax : Number.MAX_SAFE_INTEGER);
}

function answerError(error: unknown): Response {
  const { code, detail } = toErrorRecord(error);
  const place = error instanceof SegueError ? (error.place ?? null) : null;
  const body: ApiError = { code, what: ERRORS[code].what, detail, next: ERRORS[code].next, place };
  return Response.json(body, { status: ERRORS[code].http, headers: { 'segue-version': SEGUE_VERSION } });
}
