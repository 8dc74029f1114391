import type { Answer, Command } from '../command.js';
import type { ErrorAnswer } from './errors.js';
import { toXml } from './xml.js';

export type Format = 'json' | 'xml';

export const responseName = (command: string): string => `${command.toLowerCase()}response`;

/** What stands below the outer key. */
export function contentOf(answer: Answer, command: Command): Record<string, unknown> {
  const key = command.response === 'success' ? 'success' : command.response.key;
  switch (answer.kind) {
    case 'object':
      return { [key]: answer.fields };
    case 'list':
      if (answer.count === 0 && answer.items.length === 0) return {};
      return answer.items.length === 0 ? { count: answer.count } : { count: answer.count, [key]: answer.items };
    case 'success':
      return { success: true, ...(answer.displaytext !== undefined && { displaytext: answer.displaytext }) };
    case 'job':
      return { ...(answer.id !== undefined && { id: answer.id }), jobid: answer.jobid };
    case 'bare':
      return answer.fields;
  }
}

/** Error body below the outer key; `cserrorcode` is left out on authentication refusals. */
export const errorContent = ({ status, cs, text }: ErrorAnswer): Record<string, unknown> => ({
  uuidList: [],
  errorcode: status,
  ...(cs !== undefined && { cserrorcode: cs }),
  errortext: text,
});

/** Undefined and null fields are left out, at every depth; everything else is written as it is. */
function present(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(present);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined && each !== null)
      .map(([name, each]) => [name, present(each)]),
  );
}

export function write(outer: string, content: Record<string, unknown>, format: Format): { type: string; body: string } {
  const shown = present(content) as Record<string, unknown>;
  return format === 'json'
    ? { type: 'application/json; charset=UTF-8', body: JSON.stringify({ [outer]: shown }) }
    : { type: 'text/xml; charset=UTF-8', body: toXml(outer, shown) };
}
