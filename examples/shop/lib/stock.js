export const PRODUCTS = [
  { sku: 'tea', name: 'Mountain tea', note: 'First picking, 100 g', cents: 1490, icon: '🍵' },
  { sku: 'mug', name: 'Stoneware mug', note: 'Thrown by hand, 300 ml', cents: 2400, icon: '☕' },
  { sku: 'lamp', name: 'Reading lamp', note: 'Warm light, brass', cents: 8900, icon: '💡' },
  { sku: 'book', name: 'Blank book', note: 'Sewn, 192 pages', cents: 1850, icon: '📓' },
  { sku: 'pen', name: 'Fountain pen', note: 'Steel nib, fine', cents: 4200, icon: '🖋️' },
  { sku: 'soap', name: 'Olive soap', note: 'Cured for six months', cents: 690, icon: '🧼' },
];

const CATALOGUE_LINES = 50_000;
let catalogue;

/** Every article that the shop ever had, some 2.5 MB of them; made when somebody asks for it. */
export function catalogueText() {
  catalogue ??= Array.from({ length: CATALOGUE_LINES }, (_, number) => {
    const { sku, name, note, cents } = PRODUCTS[number % PRODUCTS.length];
    return `${sku}-${number},"${name}","${note}",${cents}\n`;
  }).join('');
  return catalogue;
}

const TICK_MS = 250;

/**
 * The number of the newest stock change. Changes follow from the clock and their number alone, so every
 * instance of every version tells the same story and can tell it again from any point.
 */
export function newestChange() {
  return Math.floor(Date.now() / TICK_MS);
}

export function change(id) {
  const product = PRODUCTS[id % PRODUCTS.length];
  const left = 5 + (Math.imul(id, 2654435761) >>> 26);
  return { id, sku: product.sku, left };
}

/** Calls back after each change until the returned function is called. */
export function watchStock(onChange) {
  const timer = setInterval(() => onChange(newestChange()), TICK_MS);
  return () => clearInterval(timer);
}
