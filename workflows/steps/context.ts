import type { Item } from '../engine/step.js';
import {
  isBefore,
  nodeLabel,
  sameNode,
  type ClusterFacts,
  type NodeFacts,
  type NodeRef,
  type NodeRoleName,
} from '../model/operation.js';
import type { Settings } from '../model/settings.js';
import type { Act } from '../stubs.js';

/** What a node's steps must know of the whole: the facts, the limits, and where each new node is placed once that is known. */
export interface BootContext {
  facts: ClusterFacts;
  settings: Settings;
  hostOf: (node: NodeRef) => string;
  /** Called with what a reservation chose. */
  place: (placed: readonly { node: NodeRef; hostId: string }[]) => void;
}

export function bootContext(facts: ClusterFacts, settings: Settings): BootContext {
  const hosts = new Map(facts.nodes.map((node) => [nodeLabel(node), node.hostId ?? 'anywhere']));
  return {
    facts,
    settings,
    hostOf: (node) => hosts.get(nodeLabel(node)) ?? 'anywhere',
    place: (placed) => placed.forEach(({ node, hostId }) => hosts.set(nodeLabel(node), hostId)),
  };
}

export const findNode = (facts: ClusterFacts, ref: NodeRef): NodeFacts | undefined =>
  facts.nodes.find((node) => sameNode(node, ref));

/** The nodes of a role that are there, in order. */
export const nodesOf = (facts: ClusterFacts, role: NodeRoleName): NodeFacts[] =>
  facts.nodes.filter((node) => node.role === role).sort((a, b) => a.index - b.index);

/** Workers of our own making: those that scaling and upgrades may take away. */
export const ownWorkers = (facts: ClusterFacts): NodeFacts[] =>
  nodesOf(facts, 'worker').filter(({ external }) => !external);

export const numbered = (role: NodeRoleName, count: number, first = 1): NodeRef[] =>
  Array.from({ length: count }, (_, i) => ({ role, index: first + i }));

/** Numbers for `count` further nodes of a role: never one that is in use. */
export function further(facts: ClusterFacts, role: NodeRoleName, count: number): NodeRef[] {
  const last = Math.max(0, ...nodesOf(facts, role).map(({ index }) => index));
  return numbered(role, count, last + 1);
}

/** Hands out numbers for further nodes, none twice. */
export type Numbers = (role: NodeRoleName, count: number) => NodeRef[];
export function numbersOf(facts: ClusterFacts): Numbers {
  const given: NodeRef[] = [];
  return (role, count) => {
    const first = given.filter((node) => node.role === role).length;
    const numbers = further(facts, role, first + count).slice(first);
    given.push(...numbers);
    return numbers;
  };
}

/** Lanes that do not depend on each other; runs of the time before revision 2 go through one after the other. */
export const sideBySide = (facts: ClusterFacts, title: string, ...lanes: Item<Act>[][]): Item<Act>[] =>
  isBefore(2, facts) ? lanes.flat() : [{ title, lanes }];
