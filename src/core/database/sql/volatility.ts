/** Whether a default is worked out anew for every row: then adding a column with it rewrites the table. */
import type { SqlNode } from './parsed.ts';
import type { Server } from './server.ts';
import { everyOf, words } from './tree.ts';

const VOLATILE: ReadonlySet<string> = new Set([
  'clock_timestamp',
  'currval',
  'gen_random_bytes',
  'gen_random_uuid',
  'gen_salt',
  'lastval',
  'nextval',
  'random',
  'random_normal',
  'setval',
  'timeofday',
  'uuid_generate_v1',
  'uuid_generate_v1mc',
  'uuid_generate_v4',
  'uuidv4',
  'uuidv7',
]);

/** Functions of PostgreSQL that people write in defaults. Any other may be the user's own. */
const STEADY: ReadonlySet<string> = new Set(
  (
    'now transaction_timestamp statement_timestamp date_trunc date_part timezone to_timestamp to_char to_date make_date ' +
    'make_interval make_time make_timestamp make_timestamptz age current_setting current_database current_schema ' +
    'session_user version lower upper initcap concat concat_ws format left right substr substring replace trim btrim ' +
    'ltrim rtrim lpad rpad repeat reverse length char_length octet_length md5 sha224 sha256 sha384 sha512 encode decode ' +
    'chr ascii abs ceil ceiling floor round trunc mod power sqrt sign pi numeric int4 int8 text bool float8 ' +
    'jsonb_build_object jsonb_build_array json_build_object json_build_array to_json to_jsonb jsonb_object array_fill ' +
    'string_to_array array_to_string regexp_replace to_number to_tsvector txid_current pg_current_xact_id ' +
    'inet_client_addr inet_client_port inet_server_addr int4range int8range numrange tsrange tstzrange daterange ' +
    'point box circle hstore hashtext row_to_json uuid_nil nullif coalesce greatest least'
  ).split(' '),
);

export type Volatility =
  { readonly type: 'steady' } | { readonly type: 'volatile' | 'unknown'; readonly name: string };

export function volatilityOf(expression: SqlNode, server: Pick<Server, 'isVolatile'>): Volatility {
  let unknown: string | null = null;
  for (const call of everyOf(expression, 'FuncCall')) {
    const name = words(call, 'funcname').at(-1) ?? '';
    const told = server.isVolatile(name);
    if (VOLATILE.has(name) || told === true) return { type: 'volatile', name };
    if (!STEADY.has(name) && told === null) unknown ??= name;
  }
  return unknown === null ? { type: 'steady' } : { type: 'unknown', name: unknown };
}
