import type { Attempt } from './attempt.ts';
import type { Call } from './call.ts';
import type { Failure } from './failure.ts';
import type { Instance } from './instance.ts';
import type { Service } from './service.ts';
import type { Ticket } from './tally.ts';

export interface AttemptOptions {
  readonly call: Call;
  readonly service: Service;
  readonly instance: Instance;
  readonly ticket: Ticket;
  /** Only a connection that was made for this request. */
  readonly fresh: boolean;
  readonly onFailure: (attempt: Attempt, failure: Failure) => void;
}
