/** Rules about countries need somebody who says where clients are. */
import type { GatewayChoices } from '../../core/traffic/settings.ts';
import type { CheckedService, Contradiction } from './checks.ts';

export function checkCountries(
  services: Readonly<Record<string, CheckedService>>,
  gateway: GatewayChoices | null,
): Contradiction[] {
  if (gateway === null || gateway.geo !== null || gateway.countryFile !== null) return [];
  return Object.entries(services)
    .filter(([, { strategy }]) => asksForCountry(strategy))
    .map(([name]) => ({
      paths: [['services', name, 'strategy'], ['gateway']],
      message: 'a rule asks for the country, but nobody says it; expected gateway.geo',
    }));
}

/** However deep in it a rule is. */
function asksForCountry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ('type' in value && value.type === 'country') || Object.values(value).some(asksForCountry);
}
