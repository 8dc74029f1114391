import { fault } from './fault.js';

/** `{{ NAME }}` or `{{ ds.meta_data.NAME }}`: how CNI configurations and user data name their variables. */
const PLACEHOLDER = /\{\{-?\s*(?:ds\.meta_data\.)?([A-Za-z_]\w*)\s*-?\}\}/g;
const ANY = /\{\{.*?\}\}|\{%.*?%\}/s;

/** Names of the variables in the text, each once, in order. */
export const variablesOf = (text: string): string[] => [
  ...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name)),
];

/**
 * The text with each variable replaced by what `write` makes of its value. Throws `BadParameter` that names every value that is
 * missing, and what else stands in double braces: nothing is left for a template engine.
 */
export function fill(
  text: string,
  values: Readonly<Record<string, string>>,
  write: (name: string, value: string) => string,
): string {
  const missing = variablesOf(text).filter((name) => !Object.hasOwn(values, name));
  if (missing.length > 0)
    throw fault(
      'BadParameter',
      `The CNI configuration needs a value for ${missing.join(', ')}: give ${missing.map((name) => (name === 'AS_NUMBER' ? 'asnumber' : `cniconfigdetails[0].${name}`)).join(', ')}`,
    );
  const left = ANY.exec(text.replace(PLACEHOLDER, ''));
  if (left)
    throw fault(
      'BadParameter',
      `The CNI configuration has a placeholder that cannot be filled: ${left[0].slice(0, 80)}; only {{ NAME }} and {{ ds.meta_data.NAME }} are`,
    );
  return text.replace(PLACEHOLDER, (_, name: string) => write(name, values[name] ?? ''));
}
