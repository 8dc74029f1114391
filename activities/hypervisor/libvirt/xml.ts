import { refused } from './host-fault.js';

/** An element of libvirt's XML. Text and child elements do not mix there. */
export interface Xml {
  name: string;
  attributes: Record<string, string>;
  children: Xml[];
  text: string;
}
type Value = string | number;

/** An element; attributes that are `undefined` are left out. The content is text, or child elements of which falsy ones are left out. */
export function xml(
  name: string,
  attributes: Record<string, Value | undefined> = {},
  content: Value | readonly (Xml | false | undefined)[] = [],
): Xml {
  const given = Object.entries(attributes).filter((pair): pair is [string, Value] => pair[1] !== undefined);
  return {
    name,
    attributes: Object.fromEntries(given.map(([key, value]) => [key, String(value)])),
    children: typeof content === 'object' ? content.filter((child): child is Xml => Boolean(child)) : [],
    text: typeof content === 'object' ? '' : String(content),
  };
}

export function writeXml({ name, attributes, children, text }: Xml): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}='${escaped(value)}'`);
  const content = escaped(text) + children.map(writeXml).join('');
  return content === '' ? `<${name}${written.join('')}/>` : `<${name}${written.join('')}>${content}</${name}>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&apos;', '"': '&quot;' };

function escaped(text: string): string {
  // A NUL would end the text inside libvirt, and XML 1.0 has no way to write the other control characters.
  if (/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text))
    throw refused(`${JSON.stringify(text.slice(0, 60))} holds a control character, which XML cannot carry`);
  return text.replace(/[&<>'"]/g, (found) => ENTITIES[found] ?? found);
}

const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:'[^']*'|"[^"]*"))*)\s*(\/?)>|([^<]+)/g;

/** Reads what libvirt writes: elements, attributes and text; no document types, no CDATA. */
export function readXml(text: string): Xml {
  const top = xml('');
  const open = [top];
  for (const [, closes, name, attributes = '', empty, words] of text.matchAll(TOKEN)) {
    const inside = open.at(-1) ?? top;
    if (words !== undefined) {
      if (words.trim() !== '') inside.text += plain(words);
    } else if (closes) open.pop();
    else if (name) {
      const element = xml(name, Object.fromEntries(attributesOf(attributes)));
      inside.children.push(element);
      if (!empty) open.push(element);
    }
  }
  const [root] = top.children;
  if (!root || open.length !== 1) throw new Error('libvirt answered with XML that does not close');
  return root;
}

const attributesOf = (text: string) =>
  [...text.matchAll(/([\w:.-]+)\s*=\s*(?:'([^']*)'|"([^"]*)")/g)].map(
    ([, key = '', single, double]) => [key, plain(single ?? double ?? '')] as const,
  );

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', apos: "'", quot: '"' };
const plain = (text: string) =>
  text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name?: string) =>
    name ? (NAMED[name] ?? all) : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  );

/** Elements below `root` on the path `a/b/c`. */
export const allAt = (root: Xml | undefined, path: string): Xml[] =>
  path
    .split('/')
    .reduce<Xml[]>(
      (found, name) => found.flatMap(({ children }) => children.filter((child) => child.name === name)),
      root ? [root] : [],
    );
export const firstAt = (root: Xml | undefined, path: string): Xml | undefined => allAt(root, path)[0];
export const textAt = (root: Xml | undefined, path: string): string | undefined => firstAt(root, path)?.text;
