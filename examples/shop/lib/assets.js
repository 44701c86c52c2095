export const STYLE = `
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1c1917; background: #fafaf9; min-height: 100vh; display: flex; flex-direction: column; }
header, main, footer { width: 100%; max-width: 64rem; margin: 0 auto; padding: 1rem 1.5rem; }
header { display: flex; align-items: center; justify-content: space-between; }
main { flex: 1; }
.brand { font-size: 1.5rem; font-weight: 700; color: var(--accent); text-decoration: none; }
nav { display: flex; gap: 1rem; align-items: center; }
a { color: var(--accent); }
h1 { font-size: clamp(1.75rem, 4vw, 2.75rem); line-height: 1.15; margin: 1rem 0 2rem; letter-spacing: -0.02em; }
.cards { list-style: none; padding: 0; margin: 0; display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
.card { background: #fff; border: 1px solid #e7e5e4; border-radius: 12px; padding: 1.25rem; }
.card h2 { font-size: 1.1rem; margin: 0.5rem 0 0; }
.card p { margin: 0 0 0.75rem; color: #57534e; }
.icon { font-size: 2.25rem; }
.row { display: flex; justify-content: space-between; align-items: baseline; }
.row strong { color: #1c1917; }
button { font: inherit; width: 100%; border: 0; border-radius: 8px; padding: 0.55rem 1rem; color: #fff; background: var(--accent); cursor: pointer; }
button:hover { filter: brightness(1.1); }
button:focus-visible, a:focus-visible, input:focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 45%, white); outline-offset: 2px; }
button.quiet { background: none; color: #57534e; padding: 0; }
.login { max-width: 22rem; display: grid; gap: 1rem; }
label { display: grid; gap: 0.25rem; }
input { font: inherit; padding: 0.5rem 0.75rem; border: 1px solid #a8a29e; border-radius: 8px; }
.problem { color: #b91c1c; }
table { width: 100%; border-collapse: collapse; background: #fff; }
th, td { text-align: left; padding: 0.6rem 0.75rem; border-bottom: 1px solid #e7e5e4; }
footer { color: #78716c; font-size: 0.85rem; }
`;

/** Shows the stock as it changes; comes back by itself when the shop asks it to or goes away. */
export const SCRIPT = `
function connect() {
  const socket = new WebSocket((location.protocol === 'https:' ? 'wss://' : 'ws://') + location.host + '/live');
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'hello') document.getElementById('live').textContent = ', live from ' + message.version;
    const place = document.querySelector('[data-stock="' + message.sku + '"]');
    if (place) place.textContent = message.left + ' left';
  };
  socket.onclose = ({ code }) => setTimeout(connect, code === 1012 ? 0 : 1000);
}
connect();
`;
