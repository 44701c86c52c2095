/** The methods that are taken, and those that are treated in a way of their own. Names are case-sensitive (RFC 9110 s. 9.1). */
export const METHOD = {
  unknown: 0,
  get: 1,
  head: 2,
  post: 3,
  put: 4,
  patch: 5,
  delete: 6,
  options: 7,
  trace: 8,
  connect: 9,
  other: 10,
} as const;

/**
 * Those of IANA's registry that servers take, and what is in use beside it. Others are refused: two readers who
 * do not know a method may differ on whether it has a body.
 */
const OTHERS = new Set(
  (
    'ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL ' +
    'MKREDIRECTREF MKWORKSPACE MOVE NOTIFY ORDERPATCH PROPFIND PROPPATCH PURGE QUERY REBIND REPORT SEARCH SOURCE ' +
    'SUBSCRIBE UNBIND UNCHECKOUT UNLINK UNLOCK UNSUBSCRIBE UPDATE UPDATEREDIRECTREF VERSION-CONTROL'
  ).split(' '),
);

/** RFC 9110 s. 9.2.2: sending it twice does what sending it once does. */
export function isIdempotent(method: number): boolean {
  return (
    method === METHOD.get ||
    method === METHOD.head ||
    method === METHOD.put ||
    method === METHOD.delete ||
    method === METHOD.options ||
    method === METHOD.trace
  );
}

/** RFC 9110 s. 8.6: a request with such a method and no body says so. */
export function usuallyHasBody(method: number): boolean {
  return method === METHOD.post || method === METHOD.put || method === METHOD.patch;
}

export function methodOf(bytes: Buffer, from: number, to: number): number {
  const own = ownMethodOf(bytes, from, to);
  if (own !== METHOD.unknown) return own;
  return OTHERS.has(bytes.toString('latin1', from, to)) ? METHOD.other : METHOD.unknown;
}

function ownMethodOf(bytes: Buffer, from: number, to: number): number {
  switch (to - from) {
    case 3:
      return match(bytes, from, 'GET', METHOD.get) || match(bytes, from, 'PUT', METHOD.put);
    case 4:
      return match(bytes, from, 'POST', METHOD.post) || match(bytes, from, 'HEAD', METHOD.head);
    case 5:
      return match(bytes, from, 'PATCH', METHOD.patch) || match(bytes, from, 'TRACE', METHOD.trace);
    case 6:
      return match(bytes, from, 'DELETE', METHOD.delete);
    case 7:
      return match(bytes, from, 'OPTIONS', METHOD.options) || match(bytes, from, 'CONNECT', METHOD.connect);
    default:
      return METHOD.unknown;
  }
}

function match(bytes: Buffer, from: number, name: string, method: number): number {
  for (let i = 0; i < name.length; i += 1) {
    if (bytes[from + i] !== name.charCodeAt(i)) return METHOD.unknown;
  }
  return method;
}
