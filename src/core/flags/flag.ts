/** One flag, compiled: what it gives for a context. Evaluation never throws. */
import { type FlagDefinition, type FlagNotes, notesOf } from './definition.ts';
import type { Context, Evaluation } from './evaluation.ts';
import { type Json, textOf } from './json.ts';
import { compileLogic, RuleProblem, type Run, type Trace } from './logic.ts';
import { OPERATORS } from './operators.ts';

/** What the targeting said; `null` and `undefined` ask for the default. */
type Said = { readonly value: unknown; readonly split: boolean } | { readonly fault: string };

export class Flag {
  readonly key: string;
  readonly definition: FlagDefinition;
  readonly notes: FlagNotes;
  /** Why its targeting can never work; null: it can. */
  readonly problem: RuleProblem | null;
  readonly #rule: Run | null;
  readonly #values: ReadonlyMap<string, Json>;
  #traced: Run | null = null;

  constructor(key: string, definition: FlagDefinition) {
    this.key = key;
    this.definition = definition;
    this.notes = notesOf(definition.metadata).notes;
    this.#values = new Map(Object.entries(definition.variants));
    const { targeting } = definition;
    try {
      this.#rule = targeting === null ? null : compileLogic(targeting, OPERATORS, false);
      this.problem = null;
    } catch (error) {
      if (!(error instanceof RuleProblem)) throw error;
      this.#rule = null;
      this.problem = error;
    }
  }

  get isDisabled(): boolean {
    return this.definition.state === 'DISABLED';
  }

  evaluate(context: Context, nowMs: number, trace: Trace[] | null = null): Evaluation {
    if (this.isDisabled) return this.disabled();
    if (this.problem) return this.#failed('PARSE_ERROR', `its targeting ${this.problem.message}`);
    const rule = trace === null ? this.#rule : this.#tracedRule();
    if (rule === null) return this.#given(this.definition.defaultVariant, 'STATIC');
    const said = this.#ask(rule, context, nowMs, trace);
    if ('fault' in said) return this.#failed('GENERAL', said.fault);
    const { value, split } = said;
    if (value === null || value === undefined) return this.#given(this.definition.defaultVariant, 'DEFAULT');
    return this.#given(textOf(value), split ? 'SPLIT' : 'TARGETING_MATCH');
  }

  disabled(): Evaluation {
    return { ...this.#nothing(), reason: 'DISABLED', error: null };
  }

  #ask(rule: Run, context: Context, nowMs: number, trace: Trace[] | null): Said {
    const nowS = Math.floor(nowMs / 1000);
    const scope = { flag: this.key, context, nowS, chosen: undefined, last: undefined, trace };
    try {
      const value = rule(scope, context);
      return { value, split: value !== undefined && scope.chosen === value };
    } catch (error) {
      return { fault: error instanceof Error ? error.message : String(error) };
    }
  }

  #given(variant: string | null, reason: 'STATIC' | 'DEFAULT' | 'TARGETING_MATCH' | 'SPLIT'): Evaluation {
    if (variant === null) return { ...this.#nothing(), reason: 'DEFAULT', error: null };
    const value = this.#values.get(variant);
    if (value === undefined) return this.#failed('GENERAL', `there is no variant "${variant}"`);
    return { flag: this.key, variant, value, reason, error: null, metadata: this.definition.metadata };
  }

  #failed(code: 'PARSE_ERROR' | 'GENERAL', detail: string): Evaluation {
    return { ...this.#nothing(), reason: 'ERROR', error: { code, detail } };
  }

  #nothing() {
    return { flag: this.key, variant: null, value: undefined, metadata: this.definition.metadata };
  }

  #tracedRule(): Run | null {
    const { targeting } = this.definition;
    if (targeting === null) return null;
    return (this.#traced ??= compileLogic(targeting, OPERATORS, true));
  }
}
