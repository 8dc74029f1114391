import type { Deps } from '../../activities/deps.js';
import { Guests } from '../../activities/node/guest.js';
import { accountKeyPair } from '../../db/account-key.js';
import { onEachEngine } from '../db/engines.js';
import { makeWorld, reserveAll } from '../db/world.js';

onEachEngine((engines) => {
  test("a user's machine that cannot know the key of this service yet is refused with what to do", async () => {
    const world = await makeWorld(engines);
    const { db, sealer } = world;
    const cluster = await world.addCluster('demo', { controlNodes: 1, workers: 1 });
    await reserveAll(db, cluster.uuid);
    await db('kubernetes_cluster_vm_map').where({ cluster_id: cluster.uuid, role: 'worker' }).update({ external_node: 1 }); // prettier-ignore
    const guests = new Guests({ db, sealer } as unknown as Deps);
    const context = await guests.open(cluster.uuid, { role: 'worker', index: 1 });
    await expect(guests.target(context)).rejects.toThrow(/getServiceSshKey shows/);
    await accountKeyPair(db, sealer, context.vm.account_id);
    // Its host key is not known either.
    await expect(guests.target(context)).rejects.toThrow(/lacks its keys/);
  });
});
