import { wellFormed } from './text.js';

// Characters that XML 1.0 cannot hold, escaped or not.

const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const escape = (text: string): string =>
  wellFormed(text)
    .replace(FORBIDDEN, '')
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!);

/** Keys of free maps (ids, say) need not be element names. */
const elementName = (name: string): string => {
  const allowed = name.replace(/[^\w.-]/g, '_');
  return /^[a-z_]/i.test(allowed) ? allowed : `_${allowed}`;
};

function element(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => element(name, each)).join('');
  const tag = elementName(name);
  const inner =
    typeof value === 'object' && value !== null
      ? Object.entries(value)
          .map(([key, each]) => element(key, each))
          .join('')
      : escape(String(value));
  return `<${tag}>${inner}</${tag}>`;
}

/**
 * The answer as CloudStack writes it: lists repeat their element, nothing is indented. Written here, in a few lines, because
 * a general builder would have to be configured out of guessing about arrays, entities and forbidden characters.
 */
export const toXml = (outer: string, content: Record<string, unknown>): string =>
  `<?xml version="1.0" encoding="UTF-8"?>${element(outer, content)}`;
