/** OpenFeature's official providers as ways to ask a control by OFREP. */
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import * as server from '@openfeature/server-sdk';
import * as web from '@openfeature/web-sdk';
import { EventSourceText } from './event-source.ts';
import type { FlagDetails, FlagFace, FlagQuestion, HookCall } from './flag-faces.ts';

/** OFREP has no word for "nothing matched", and says of a default that nobody knows the reason. */
const wordFor = (reason: string) => (reason === 'DEFAULT' ? 'UNKNOWN' : reason);

type SdkDetails = server.EvaluationDetails<server.FlagValue>;

const detailsOf = ({
  flagKey,
  value,
  reason,
  variant,
  errorCode,
  flagMetadata,
}: SdkDetails): FlagDetails => ({
  ...{ key: flagKey, value, reason, variant },
  ...{ error: errorCode, metadata: flagMetadata },
});

function hooksFor(calls: HookCall[] | null) {
  if (calls === null) return {};
  const note = (stage: HookCall['stage'], details: FlagDetails | null) => void calls.push({ stage, details });
  const hook = {
    before: () => note('before', null),
    after: (_context: unknown, details: SdkDetails) => note('after', detailsOf(details)),
    error: () => note('error', null),
    finally: (_context: unknown, details: SdkDetails) => note('finally', detailsOf(details)),
  };
  return { hooks: [hook] };
}

interface Place {
  readonly base: string;
  readonly key: string;
  readonly domain: string;
}

export async function serverFace({ base, key, domain }: Place): Promise<FlagFace> {
  return sdkFace('server', domain, new OFREPProvider({ baseUrl: base, headers: [['X-API-Key', key]] }));
}

/** Over control's own socket, where nobody needs a key. */
export async function socketFace(socketPath: string, domain: string): Promise<FlagFace> {
  const fetchImplementation = (input: string | URL | Request) => fetchOver(socketPath, new Request(input));
  return sdkFace('socket', domain, new OFREPProvider({ baseUrl: 'http://localhost', fetchImplementation }));
}

async function sdkFace(
  name: 'server' | 'socket',
  domain: string,
  provider: OFREPProvider,
): Promise<FlagFace> {
  await server.OpenFeature.setProviderAndWait(domain, provider);
  const client = server.OpenFeature.getClient(domain);
  return {
    name,
    async evaluate({ key, type, fallback, context }: FlagQuestion, calls) {
      const about = context as server.EvaluationContext;
      const hooks = hooksFor(calls);
      if (type === 'Boolean')
        return detailsOf(await client.getBooleanDetails(key, fallback === true, about, hooks));
      if (type === 'String')
        return detailsOf(await client.getStringDetails(key, String(fallback), about, hooks));
      if (type === 'Object')
        return detailsOf(await client.getObjectDetails(key, fallback as server.JsonObject, about, hooks));
      return detailsOf(await client.getNumberDetails(key, Number(fallback), about, hooks));
    },
    wordFor,
    status: () => client.providerStatus,
  };
}

async function fetchOver(socketPath: string, asked: Request): Promise<Response> {
  const body = await asked.text();
  const { pathname: path } = new URL(asked.url);
  const headers = Object.fromEntries(asked.headers);
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: asked.method, headers }, (response) => {
      const { statusCode: status = 0, headers: given } = response;
      const type = { 'content-type': given['content-type'] ?? '' };
      resolve(new Response(Readable.toWeb(response) as ReadableStream, { status, headers: type }));
    });
    call.once('error', reject);
    call.end(body);
  });
}

/** `modify` gives a flag another value. */
export async function webFace(
  { base, key, domain }: Place,
  modify: (flag: string) => Promise<void>,
): Promise<FlagFace> {
  Object.assign(globalThis, { EventSource: EventSourceText });
  const options = {
    ...{ baseUrl: base, headers: [['Authorization', `Bearer ${key}`]] },
    ...{ pollInterval: 0, cacheMode: 'disabled' },
  } as ConstructorParameters<typeof OFREPWebProvider>[0];
  const provider = new OFREPWebProvider(options) as unknown as web.Provider;
  await web.OpenFeature.setProviderAndWait(domain, provider, {});
  const client = web.OpenFeature.getClient(domain);
  let changed: string[] = [];
  const failures: string[] = [];
  client.addHandler(web.ProviderEvents.Error, (event) => {
    failures.push(event?.message ?? '');
  });
  client.addHandler(web.ProviderEvents.ConfigurationChanged, (event) => {
    changed.push(...(event?.flagsChanged ?? []));
  });
  return {
    name: 'web',
    async evaluate({ key: flag, type, fallback, context }, calls) {
      failures.length = 0;
      await web.OpenFeature.setContext(domain, context as web.EvaluationContext);
      // Else it goes on with what it got for another context, and calls itself ready.
      if (failures.length > 0) throw new Error(`nothing for this context: ${failures.join()}`);
      const hooks = hooksFor(calls);
      if (type === 'Boolean') return detailsOf(client.getBooleanDetails(flag, fallback === true, hooks));
      if (type === 'String') return detailsOf(client.getStringDetails(flag, String(fallback), hooks));
      if (type === 'Object')
        return detailsOf(client.getObjectDetails(flag, fallback as web.JsonObject, hooks));
      return detailsOf(client.getNumberDetails(flag, Number(fallback), hooks));
    },
    wordFor,
    status: () => client.providerStatus,
    modify,
    changed: () => {
      const told = changed;
      changed = [];
      return told;
    },
  };
}
