/** What the gateway's own answers mean to a gRPC client, which looks at `grpc-status` and not at the HTTP status. */

const UNKNOWN = 2;
export const UNAVAILABLE = 14;

/** gRPC's mapping, but what an instance may have processed is not called `UNAVAILABLE`, which clients send again. */
const CODES: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [404, 12],
  [408, 1],
  [413, 8],
  [414, 8],
  [431, 8],
  [501, 12],
  [502, UNAVAILABLE],
  [503, UNAVAILABLE],
  [504, 4],
]);

/** A response that is nothing but its trailers. */
export function grpcAnswer(status: number, reason: string): string[] {
  return [
    ':status',
    '200',
    'content-type',
    'application/grpc',
    'grpc-status',
    String(CODES.get(status) ?? UNKNOWN),
    'grpc-message',
    reason,
    'segue-error',
    reason,
  ];
}
