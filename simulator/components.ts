import { setTimeout as sleep } from 'node:timers/promises';
import { isComponent } from './kubernetes/components.js';
import { type Parts, type Subcommands, type Work, clusterOf, digest, spend } from './subcommand.js';

const TRIES = 10;
const PAUSE_MS = 300;

/** Simulated nodes reach what their simulator does. */
async function answers(url: string): Promise<boolean> {
  for (let left = TRIES; left > 0; left--) {
    const signal = AbortSignal.timeout(2000);
    const isThere = await fetch(url, { signal, redirect: 'manual' }).then(
      async (answer) => answer.body?.cancel().then(() => true) ?? true,
      () => false,
    );
    if (isThere) return true;
    await sleep(PAUSE_MS);
  }
  return false;
}

/** A private registry for a node, and what a control node applies to its cluster. */
export function components({ zone, clusters }: Parts): Subcommands {
  const wanted = ({ input }: Work): string | undefined => {
    const { name = '', action = '' } = input;
    if (!isComponent(name)) return `unknown component ${name}`;
    if (action !== 'apply' && action !== 'remove') return `action is apply or remove, not ${action}`;
    const needed = name === 'autoscaler' && action === 'apply' ? ['cluster_id', 'min', 'max'] : [];
    const missing = needed.filter((one) => !input[one]);
    return missing.length > 0 ? `the autoscaler needs ${missing.join(', ')}` : undefined;
  };
  const registryOf = ({ input }: Work) => digest(JSON.stringify([input['url'], input['username'], input['password']]));

  return {
    registry: {
      input: ['url', 'username', 'password'],
      begin: (work) => (work.guest.registry === registryOf(work) ? { nothing: {} } : spend(zone, 't_conf')),
      finish: (work) => ({ result: {}, guest: { ...work.guest, registry: registryOf(work) } }),
    },
    component: {
      input: ['name', 'action'],
      optional: ['cluster_id', 'min', 'max', 'api_url'],
      begin: (work) => {
        const wrong = wanted(work);
        const at = clusterOf(work, clusters);
        if (wrong !== undefined) return { fail: wrong };
        // "secret, provider, CSI" are three of them.
        return 'fail' in at ? at : { seconds: zone.seconds('t_comp') / 3 };
      },
      finish: async (work) => {
        const { name = '', action, cluster_id: id = '', min = '', max = '', api_url: url } = work.input;
        const isReached = action === 'remove' || url === undefined || (await answers(url));
        const at = clusterOf(work, clusters);
        if ('fail' in at || !isComponent(name)) return 'fail' in at ? at : { fail: `unknown component ${name}` };
        const args = name === 'autoscaler' ? [`--nodes=${min}:${max}:${id}`] : [];
        const after = () => {
          const api = clusters.api(at.cluster);
          if (action === 'remove') api?.removeComponent(name);
          else if (name === 'network') clusters.connectPods(at.cluster);
          else api?.putComponent(name, args);
        };
        if (!isReached) {
          after();
          return {
            fail: `${url} does not answer from this node: set endpoint.url to an address of the service's API that nodes reach`,
          };
        }
        return { result: { state: action === 'remove' ? 'removed' : 'applied' }, guest: work.guest, after };
      },
    },
    cni: {
      input: ['script'],
      begin: (work) => {
        const at = clusterOf(work, clusters);
        if (Buffer.from(work.input['script'] ?? '', 'base64').length === 0) return { fail: 'the script is empty' };
        return 'fail' in at ? at : spend(zone, 't_conf');
      },
      finish: (work) => {
        const at = clusterOf(work, clusters);
        if ('fail' in at) return at;
        return { result: {}, guest: work.guest, after: () => clusters.connectPods(at.cluster) };
      },
    },
  };
}
