import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const COOKIE = 'shop_session';
const USER = /^[A-Za-z0-9._-]{1,64}$/;

/** Sessions are signed cookies; the key lies outside the instances, so a release logs nobody out. */
export function openSessions(dataDir) {
  const key = sharedKey(join(dataDir, 'session.key'));
  const sign = (text) => createHmac('sha256', key).update(text).digest('base64url');

  return {
    /** The Set-Cookie value for a new session, or null when the name will not do. */
    begin(user) {
      if (!USER.test(user)) return null;
      const text = `${user}~${randomBytes(12).toString('hex')}`;
      return `${COOKIE}=${text}~${sign(text)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400`;
    },

    end: () => `${COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`,

    /** {user, id} of a request, or null. */
    of(request) {
      const cookies = (request.headers.cookie ?? '').split(/; */);
      const value = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
      const [user, id, mac] = value?.split('~') ?? [];
      if (!user || !id || !mac) return null;
      const expected = Buffer.from(sign(`${user}~${id}`));
      const given = Buffer.from(mac);
      return given.length === expected.length && timingSafeEqual(given, expected) ? { user, id } : null;
    },
  };
}

/** Instances start at the same moment: whoever links the file first has made the key, whole or not at all. */
function sharedKey(file) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
  return readFileSync(file, 'utf8');
}
