/** Rules of an A/B test that could never decide anything, and what it cannot do as it is written. */
import type { AbChoice, Route } from '../../core/project.ts';
import { isCovered, neverMatches } from '../../core/traffic/match-logic.ts';
import type { Match } from '../../core/traffic/rule.ts';
import { evidenceTrouble } from './ladder.ts';
import type { CheckedService, Contradiction } from './checks.ts';
import type { Path } from './problem.ts';

const EVERYBODY = 100;

export function checkAb(name: string, service: CheckedService, choice: AbChoice): Contradiction[] {
  const own = (...path: Path): Path => ['services', name, ...path];
  const at = (...path: Path) => own('strategy', ...path);
  const { rules, gates, instances } = choice;
  const found = rules.flatMap((_, index) => checkRule(index, service, choice, at));
  const names = rules.map((rule) => rule.name);
  const twice = names.findIndex((each, index) => names.indexOf(each) < index);
  if (twice !== -1)
    found.push({
      paths: [at('rules', twice, 'name'), at('rules', twice)],
      message: `another rule is called ${names[twice]}, too`,
    });
  if (gates.forMs === 0 && !gates.evidence && !gates.approve)
    found.push({ paths: [at()], message: 'nothing ends it; expected until, for or approve' });
  const trouble = gates.evidence ? evidenceTrouble(service) : null;
  if (trouble !== null) found.push({ paths: [at('until')], message: trouble });
  else if (gates.evidence && rules.every(({ percent }) => percent === EVERYBODY))
    found.push({
      paths: [at('until')],
      message:
        'every rule gives all its requests away, so there is nobody alike to compare with; expected a share',
    });
  if (instances !== null && instances > service.instances)
    found.push({
      paths: [at('instances'), own('instances')],
      message: `${instances} are more than the ${service.instances} that serve everything; expected no more`,
    });
  return found;
}

function checkRule(
  index: number,
  { traffic }: CheckedService,
  { rules }: AbChoice,
  at: (...path: Path) => Path,
): Contradiction[] {
  const rule = rules[index];
  if (!rule) return [];
  const paths = [at('rules', index, 'when'), at('rules', index)];
  if (neverMatches([rule.match]))
    return [{ paths, message: 'no request can match all of this; expected what one request can have' }];
  if (neverMatches([anyOf(traffic.routes.map(matchOf)), rule.match]))
    return [
      {
        paths,
        message: 'no request that comes to this service matches; expected a host and a path of its routes',
      },
    ];
  if (
    isCovered(
      rule.match,
      rules.slice(0, index).map(({ match }) => match),
    )
  )
    return [
      { paths, message: 'whatever it is about is decided by the rules before it; expected it before them' },
    ];
  if (rule.percent < EVERYBODY && traffic.sticky === null)
    return [
      {
        paths: [at('rules', index, 'share')],
        message: `${rule.percent}% of requests, so that one user would meet both versions by turns; expected traffic.sticky, or 100%`,
      },
    ];
  return [];
}

const anyOf = (of: readonly Match[]): Match => ({ type: 'any', of });

function matchOf({ host, path }: Route): Match {
  const below: Match = { type: 'path', path: { type: 'prefix', text: path } };
  return host === null ? below : { type: 'all', of: [{ type: 'host', host }, below] };
}
