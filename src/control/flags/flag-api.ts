/** `/v1/flags`: thin, every decision is the desk's. */
import type { Context, Hono } from 'hono';
import type * as z from 'zod';
import { SegueError } from '../../core/errors.ts';
import type { Trace } from '../../core/flags/logic.ts';
import { limits } from '../../core/limits.ts';
import type { OrderResponse } from '../../wire/api.ts';
import {
  flagChangeRequest,
  type FlagChangesResponse,
  flagEvaluateRequest,
  type FlagEvaluationResponse,
  flagRolloutRequest,
  type FlagsResponse,
  flagWordRequest,
} from '../../wire/flag-api.ts';
import type { Control } from '../control.ts';
import { FlagChanges } from './flag-changes.ts';
import { flagStatuses } from './flag-views.ts';

type Read = <T>(context: Context, schema: z.ZodType<T>) => Promise<T>;

export function flagRoutes(app: Hono, control: Control, read: Read): void {
  const { desk, streams, door } = control.flags;
  const choices = () => control.project.flags;
  const changes = new FlagChanges({ desk, store: control.ports.store, choices });
  app.get('/v1/flags', (context) => {
    const { trouble, pending } = desk;
    const flags = flagStatuses(desk, choices().stale.afterMs, control.ports.clock.nowMs());
    const ofrep = door.listen;
    return context.json({ flags, trouble, pending, ofrep, streams: streams.count } satisfies FlagsResponse);
  });
  app.post('/v1/flags/:flag/change', async (context) => {
    const request = await read(context, flagChangeRequest);
    return context.json(await changes.change(context.req.param('flag'), request));
  });
  app.post('/v1/flags/:flag/rollout', async (context) => {
    const request = await read(context, flagRolloutRequest);
    const release = await control.flags.rollouts.begin(context.req.param('flag'), request);
    return context.json({ release } satisfies OrderResponse);
  });
  app.post('/v1/flags/:flag/evaluate', async (context) => {
    const request = await read(context, flagEvaluateRequest);
    const flag = context.req.param('flag');
    if (!desk.definitionOf(flag)) throw new SegueError('FLAG_UNKNOWN', flag);
    const trace: Trace[] = [];
    const evaluation = desk.evaluate(flag, request.context, 'people', trace);
    return context.json({ evaluation, trace } satisfies FlagEvaluationResponse);
  });
  app.get('/v1/flag-changes', async (context) => {
    const limit = Number(context.req.query('limit') ?? 20);
    if (!Number.isSafeInteger(limit) || limit < 1) throw new SegueError('BAD_REQUEST', 'limit');
    const flag = context.req.query('flag') ?? null;
    const answer = await changes.history(flag, Math.min(limit, limits.flags.historyMax));
    return context.json(answer satisfies FlagChangesResponse);
  });
  app.post('/v1/flag-changes/:number/undo', async (context) => {
    const word = await read(context, flagWordRequest);
    return context.json(await changes.undo(numberIn(context), word));
  });
  app.post('/v1/flag-changes/:number/approve', async (context) => {
    const { by } = await read(context, flagWordRequest);
    return context.json(await changes.approve(numberIn(context), by));
  });
}

function numberIn(context: Context): number {
  const number = Number(context.req.param('number'));
  if (Number.isSafeInteger(number)) return number;
  throw new SegueError('FLAG_CHANGE_UNKNOWN', 'Changes are called by numbers.');
}
