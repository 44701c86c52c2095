import { PRODUCTS } from './stock.js';
import { STYLE, SCRIPT } from './assets.js';

const escape = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const price = (cents) => `€ ${(cents / 100).toFixed(2)}`;

export function homePage(version, cart) {
  const cards = PRODUCTS.map(
    ({ sku, name, note, cents, icon }) => `
      <li class="card">
        <span class="icon" aria-hidden="true">${icon}</span>
        <h2>${name}</h2>
        <p>${note}</p>
        <p class="row"><strong>${price(cents)}</strong><small data-stock="${sku}">in stock</small></p>
        <form method="post" action="/cart"><input type="hidden" name="sku" value="${sku}"><button>Add to cart</button></form>
      </li>`,
  ).join('');
  return page(version, cart, `<h1>${escape(version.headline)}</h1><ul class="cards">${cards}</ul>`, SCRIPT);
}

export function loginPage(version, problem = '') {
  const note = problem && `<p role="alert" class="problem">${escape(problem)}</p>`;
  return page(
    version,
    null,
    `<h1>Log in</h1>${note}
     <form method="post" action="/login" class="login">
       <label>Your name <input name="user" autocomplete="username" required autofocus></label>
       <button>Log in</button>
     </form>`,
  );
}

export function cartPage(version, cart) {
  const lines = PRODUCTS.filter(({ sku }) => cart.items[sku]).map(
    ({ sku, name, cents }) =>
      `<tr><td>${name}</td><td>${cart.items[sku]}</td><td>${price(cents * cart.items[sku])}</td></tr>`,
  );
  const body = lines.length > 0 ? lines.join('') : '<tr><td colspan="3">Nothing yet.</td></tr>';
  return page(
    version,
    cart,
    `<h1>Your cart</h1><table><thead><tr><th>Item</th><th>Quantity</th><th>Price</th></tr></thead><tbody>${body}</tbody></table>
     <p><a href="/">Back to the shop</a></p>`,
  );
}

export function accountPage(version, cart, { name, mail, greeting }) {
  const hello = greeting ? `Hello ${escape(greeting)}` : 'Who are you?';
  return page(
    version,
    cart,
    `<h1>${hello}</h1>
     <form method="post" action="/account" class="login">
       <label>Your name <input name="name" autocomplete="name" required value="${escape(name)}"></label>
       <label>Mail <input name="mail" type="email" autocomplete="email" required value="${escape(mail)}"></label>
       <button>Save</button>
     </form>`,
  );
}

function page(version, cart, body, script = '') {
  const who = cart
    ? `<a href="/cart">Cart (${cart.quantity})</a> <a href="/account">Account</a>
       <form method="post" action="/logout"><button class="quiet">Log out ${escape(cart.user)}</button></form>`
    : '<a href="/login">Log in</a>';
  const name = escape(version.name);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop</title>
<style>:root { --accent: ${escape(version.accent)}; }${STYLE}</style>
</head>
<body>
<header><a class="brand" href="/">Shop</a><nav>${who}</nav></header>
<main>${body}</main>
<footer>Version <b id="version">${name}</b>, instance ${escape(version.instance)}<span id="live"></span></footer>
${script && `<script>${script}</script>`}
</body>
</html>
`;
}
