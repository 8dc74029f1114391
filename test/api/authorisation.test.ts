import { COMMANDS } from '../../api/commands/index.js';
import { ROLES } from '../../api/command.js';
import { Harness } from './harness.js';

let h: Harness;
beforeAll(async () => {
  h = await Harness.start();
});
afterAll(() => h.stop());

const cells = COMMANDS.filter((each) => !each.open).flatMap((each) =>
  ROLES.map((role) => [each.name, role, role === 'A' || each.roles.includes(role)] as const),
);

test.each(cells)('%s for %s: allowed %s', async (name, role, allowed) => {
  // A map name that is malformed stops an allowed call at the parameter stage, so that nothing is changed.
  const reply = await h.call(name, { 'stop[0]here': '1' }, h.users[role]);
  expect(reply.status).toBe(allowed ? 430 : 432);
  const listed = await h.call('listApis', { name }, h.users[role]);
  expect(listed.status).toBe(allowed ? 200 : 530);
});

test('every command is refused without credentials', async () => {
  for (const { name, open } of COMMANDS) {
    if (open) continue;
    expect((await h.raw({ path: `/client/api?command=${name}&response=json` })).status).toBe(401);
  }
});
