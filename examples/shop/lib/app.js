import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAccount } from './account-form.js';
import { BodyTooLarge, digestBody, readForm } from './bodies.js';
import { accountPage, cartPage, homePage, loginPage } from './pages.js';
import { catalogueText, PRODUCTS } from './stock.js';
import { createTrouble } from './trouble.js';

const SLOW_MS_MAX = 60_000;
/** Whether it lives and is ready is asked by machines. */
const HEALTH = new Set(['/livez', '/readyz']);

/** The shop as one request listener. Each route is a function of (request, response, url). */
export function createApp({ version, state, events, accounts, carts, sessions }) {
  const trouble = createTrouble(version);
  const routes = {
    'GET /': home,
    'GET /login': (_, response) => send(response, 200, loginPage(version)),
    'POST /login': logIn,
    'POST /logout': (_, response) => redirect(response, '/', { 'set-cookie': sessions.end() }),
    'GET /catalogue': catalogue,
    'GET /cart': showCart,
    'POST /cart': addToCart,
    'GET /account': showAccount,
    'POST /account': changeAccount,
    'GET /slow': slow,
    'POST /upload': upload,
    'GET /events': events.open,
    'GET /livez': (_, response) => sendJson(response, 200, { alive: true }),
    'GET /readyz': ready,
  };

  async function home(request, response) {
    if (version.behaviour === 'broken-home') return sendJson(response, 500, { error: 'template not found' });
    const session = sessions.of(request);
    const cart = session && (await carts.read(session));
    send(response, 200, homePage(version, cart));
  }

  async function logIn(request, response) {
    const cookie = sessions.begin((await readForm(request)).get('user') ?? '');
    if (!cookie) return send(response, 422, loginPage(version, 'Letters, digits, dots and dashes, please.'));
    redirect(response, '/', { 'set-cookie': cookie });
  }

  async function showCart(request, response) {
    const session = sessions.of(request);
    if (!session) return refuse(request, response);
    const cart = await carts.read(session);
    if (wantsJson(request)) sendJson(response, 200, cart);
    else send(response, 200, cartPage(version, cart));
  }

  async function addToCart(request, response) {
    const form = await readForm(request);
    const session = sessions.of(request);
    if (!session) return refuse(request, response);
    const sku = form.get('sku');
    const quantity = Number(form.get('quantity') ?? 1);
    const known = PRODUCTS.some((product) => product.sku === sku);
    if (!known || !Number.isInteger(quantity) || Math.abs(quantity) > 99)
      return sendJson(response, 422, { error: 'no such product or quantity' });
    const cart = await carts.add(session, sku, quantity);
    if (!cart) sendJson(response, 409, { error: 'the cart is full' });
    else if (wantsJson(request)) sendJson(response, 200, cart);
    else redirect(response, '/cart');
  }

  async function showAccount(request, response) {
    const session = sessions.of(request);
    if (!session) return refuse(request, response);
    const account = await accounts.read(session.user);
    if (wantsJson(request)) sendJson(response, 200, account);
    else send(response, 200, accountPage(version, await carts.read(session), account));
  }

  async function changeAccount(request, response) {
    const account = readAccount(await readForm(request));
    const session = sessions.of(request);
    if (!session) return refuse(request, response);
    if (!account) return sendJson(response, 422, { error: 'a name and a mail address, please' });
    await accounts.write(session.user, account);
    if (wantsJson(request)) sendJson(response, 200, { user: session.user, ...account });
    else redirect(response, '/account');
  }

  /** Large, for those who read slowly. */
  function catalogue(_, response) {
    send(response, 200, catalogueText(), 'text/csv; charset=utf-8');
  }

  async function slow(_, response, url) {
    const ms = Math.min(Math.max(Number(url.searchParams.get('ms') ?? 1_000) || 0, 0), SLOW_MS_MAX);
    await sleep(ms);
    sendJson(response, 200, { sleptMs: ms });
  }

  async function upload(request, response) {
    sendJson(response, 200, await digestBody(request));
  }

  function ready(_, response) {
    const why = state.stopping ? 'stopping' : version.behaviour === 'never-ready' ? 'cache is cold' : null;
    if (why) return sendJson(response, 503, { ready: false, why });
    if (version.behaviour === 'crash-after-ready' && !state.readyOnce) {
      setTimeout(() => {
        console.error('out of memory in the recommendation engine');
        process.exit(1);
      }, version.delayMs);
    }
    state.readyOnce = true;
    sendJson(response, 200, { ready: true });
  }

  function refuse(request, response) {
    if (wantsJson(request)) sendJson(response, 401, { error: 'log in first' });
    else redirect(response, '/login');
  }

  return async function app(request, response) {
    response.setHeader('x-shop-version', version.name);
    response.setHeader('x-shop-instance', version.instance);
    if (state.stopping) response.setHeader('connection', 'close');
    const url = new URL(request.url, 'http://shop');
    const route = routes[`${request.method} ${url.pathname}`];
    try {
      if (!HEALTH.has(url.pathname)) await trouble.meet(request, url);
      if (route) await route(request, response, url);
      else sendJson(response, 404, { error: 'not found' });
    } catch (error) {
      fail(request, response, error);
    }
  };
}

function fail(request, response, error) {
  // The client went away in the middle of its request: nobody is left to answer.
  if (request.errored) return;
  const status = error instanceof BodyTooLarge ? 413 : 500;
  if (status === 500) console.error(error);
  if (response.headersSent) response.destroy();
  else sendJson(response, status, { error: status === 500 ? 'unexpected' : error.message });
}

const wantsJson = (request) => (request.headers.accept ?? '').includes('application/json');

function redirect(response, location, headers = {}) {
  response.writeHead(303, { location, 'content-length': 0, ...headers }).end();
}

function sendJson(response, status, value) {
  send(response, status, `${JSON.stringify(value)}\n`, 'application/json');
}

/** With a digest (RFC 9530), so that a client can tell that it got the page whole. */
function send(response, status, text, type = 'text/html; charset=utf-8') {
  const body = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': body.length,
    'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    'cache-control': 'no-store',
  });
  response.end(body);
}
