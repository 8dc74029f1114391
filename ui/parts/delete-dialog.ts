import { call, start, type Item } from '../api.js';
import { h, show } from '../dom.js';
import { openDialog } from './dialog.js';
import { attempt, notice } from './notice.js';
import { stepList } from './steps.js';

const COMMAND = 'deleteKubernetesCluster';

/** Asks before a cluster is deleted, with the very plan that will run: another plan by then is shown again instead. */
export function askDelete(cluster: Item, signal: AbortSignal, started: () => void): void {
  const id = String(cluster.id);
  const trouble = h('div');
  const plan = h('div', { class: 'plan' }, h('p', { class: 'dim' }, 'Making the plan …'));
  let hash: string | undefined;
  const readPlan = async () => {
    const answer = await call(COMMAND, { id, dryrun: 'true' }, signal);
    hash = answer.plan?.hash as string | undefined;
    show(plan, h('h3', {}, 'What will happen'), stepList((answer.plan?.steps ?? []) as Item[]));
  };
  openDialog(`Delete cluster ${String(cluster.name)}?`, signal, (close) => {
    const remove = (event: MouseEvent) =>
      void attempt(event.currentTarget as HTMLButtonElement, trouble, async () => {
        try {
          await start(COMMAND, { id, planhash: hash });
        } catch (error) {
          await readPlan().catch(() => undefined);
          throw error;
        }
        close();
        started();
      });
    return [
      h('p', {}, 'Its machines and everything stored on them are gone for good. A delete cannot be cancelled.'),
      cluster.operation !== undefined && notice('warn', `It is busy with "${String(cluster.operation)}": that is ended first, at its next safe point.`),
      plan,
      trouble,
      h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'danger', onclick: remove }, 'Delete for good'), h('button', { type: 'button', autofocus: true, onclick: close }, 'Keep it')),
    ]; // prettier-ignore
  });
  void attempt(null, trouble, readPlan);
}
