/** Hunts secrets of whoever runs control that leak into instances, and values that are missing without a word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceEnvironment, resolved } from './instance-environment.ts';
import { serviceSpec } from '../../test/support/service-spec.ts';

const outer = {
  PATH: '/bin',
  HOME: '/home/me',
  LC_TIME: 'C',
  AWS_SECRET_ACCESS_KEY: 'secret',
  NODE_OPTIONS: '--inspect',
  npm_config_user: 'me',
  EMPTY: '',
  DATABASE_URL: 'postgres://db',
};

function environmentOf(env: Readonly<Record<string, string>>) {
  const service = serviceSpec({ run: { ...serviceSpec().run, env } });
  return instanceEnvironment(outer, { service, version: 'v1', instance: 'web-r1-1', port: 20_001 });
}

test('an instance gets what every program needs, what Segue says, and what the file says: nothing else', () => {
  assert.deepEqual(environmentOf({ LOG_LEVEL: 'info', DB: 'env:DATABASE_URL', NONE: 'env:EMPTY' }), {
    PATH: '/bin',
    HOME: '/home/me',
    LC_TIME: 'C',
    PGAPPNAME: 'segue:web:v1:web-r1-1',
    LOG_LEVEL: 'info',
    DB: 'postgres://db',
    NONE: '',
    PORT: '20001',
    SEGUE_SERVICE: 'web',
    SEGUE_VERSION: 'v1',
    SEGUE_INSTANCE: 'web-r1-1',
  });
});

test('the file has the last word over what is inherited, Segue over what makes an instance itself', () => {
  const env = environmentOf({ PATH: '/opt/bin', PORT: '1', SEGUE_INSTANCE: 'somebody' });
  assert.equal(env['PATH'], '/opt/bin');
  assert.equal(env['PORT'], '20001');
  assert.equal(env['SEGUE_INSTANCE'], 'web-r1-1');
});

test('a value that is not set is an error that names the place and the variable, not its content', () => {
  const service = serviceSpec({ run: { ...serviceSpec().run, env: { DB: 'env:DATABASE_URLS' } } });
  assert.throws(() => resolved(outer, service), {
    code: 'ENVIRONMENT_VALUE_MISSING',
    detail: 'services.web.run.env.DB needs DATABASE_URLS.',
  });
});
