/** Colours by meaning. */
export interface Style {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly attention: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly strong: (text: string) => string;
}

interface ColourQuestion {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  /** False by --no-color. */
  readonly flag: boolean;
}

/** --no-color, then NO_COLOR (no-color.org), FORCE_COLOR, TERM=dumb, then whether it is a terminal. */
export function wantsColour({ environment, isTerminal, flag }: ColourQuestion): boolean {
  if (!flag || (environment['NO_COLOR'] ?? '') !== '') return false;
  const forced = environment['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal && environment['TERM'] !== 'dumb';
}

function paint(enabled: boolean, open: number, close: number): (text: string) => string {
  return (text) => (enabled && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text);
}

export function createStyle(enabled: boolean): Style {
  return {
    good: paint(enabled, 32, 39),
    bad: paint(enabled, 31, 39),
    attention: paint(enabled, 33, 39),
    faint: paint(enabled, 2, 22),
    strong: paint(enabled, 1, 22),
  };
}

const goodStates = new Set(['published', 'completed', 'merged', 'approved']);
const badStates = new Set(['failed', 'cancelled', 'rejected', 'lost']);
const attentionStates = new Set([
  'needs_attention',
  'awaiting_approval',
  'awaiting_person',
  'paused',
  'blocked',
  'cancelling',
]);

/** A state in its colour; the word itself says the same without. */
export function paintState(style: Style, state: string, shown: string = state): string {
  if (goodStates.has(state)) return style.good(shown);
  if (badStates.has(state)) return style.bad(shown);
  return attentionStates.has(state) ? style.attention(shown) : shown;
}
