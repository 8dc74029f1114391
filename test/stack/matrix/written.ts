import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { projectRoot } from '../../../db/project-root.js';
import { OPERATION_KINDS } from '../../../workflows/model/states.js';
import type { Line } from './cases.js';
import { SHAPES } from './operations.js';

/** A step as the lists' source has it. */
interface WrittenStep {
  /** Where it stands, for messages. */
  at: string;
  kind: string;
  /** What its titles look like. */
  title: RegExp;
}

const property = (of: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined =>
  of.properties.filter(ts.isPropertyAssignment).find((one) => ts.isIdentifier(one.name) && one.name.text === name)
    ?.initializer;

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Every text that the expression can be, as a pattern: each of two in a choice; what is put in may be anything. */
function patterns(from: ts.Expression): string[] {
  if (ts.isStringLiteralLike(from)) return [escaped(from.text)];
  if (ts.isTemplateExpression(from))
    return [from.head.text, ...from.templateSpans.map(({ literal }) => literal.text)].reduce<string[]>(
      (found, text, i) => [i === 0 ? escaped(text) : `${found[0]!}.+${escaped(text)}`],
      [],
    );
  if (ts.isConditionalExpression(from)) return [...patterns(from.whenTrue), ...patterns(from.whenFalse)];
  throw new Error(`a step's title or kind is neither a text nor a choice of two: ${from.getText()}`);
}

/** Every step that a list can have, read from the source of `workflows/steps`. */
function writtenSteps(): WrittenStep[] {
  const folder = path.join(projectRoot(), 'workflows/steps');
  return readdirSync(folder).flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(path.join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true); // prettier-ignore
    const found: WrittenStep[] = [];
    const walk = (node: ts.Node): void => {
      if (ts.isObjectLiteralExpression(node)) {
        const [title, kind] = [property(node, 'title'), property(node, 'kind')];
        if (title && kind) {
          const [titles, kinds] = [patterns(title), patterns(kind)];
          titles.forEach((text, i) =>
            // Where both are a choice, it is the same one.
            (kinds.length === titles.length ? [kinds[i]!] : kinds).forEach((each) =>
              found.push({ at: `${file}: ${text}`, kind: each.replaceAll('\\', ''), title: new RegExp(`^${text}$`) }),
            ),
          );
        }
      }
      ts.forEachChild(node, walk);
    };
    walk(source);
    return found;
  });
}

/**
 * Only a control node whose machine is lost has this step, and that machine would have to be well again after each cancel. What it does is
 * broken here as "remove its etcd member"; the lab replaces a node that is lost.
 */
const OF_THE_LOST = 'scale-cluster.ts: .+: remove its silent etcd member';

/** Operations and steps that none of the given lines is an example of: nobody would break them. */
export const escapedSteps = (lines: readonly Line[]): string[] => [
  ...OPERATION_KINDS.filter((kind) => !Object.values(SHAPES).some((shape) => shape.kind === kind)).map(
    (kind) => `no case breaks the operation "${kind}": give it a shape in operations.ts`,
  ),
  ...writtenSteps()
    .filter(
      ({ at, kind, title }) =>
        !lines.some((line) => line.kind === kind && (at === OF_THE_LOST || title.test(line.shape))),
    )
    .map(({ at, kind }) => `no case breaks the step "${at}" (${kind}): let a shape of operations.ts have it`),
];
