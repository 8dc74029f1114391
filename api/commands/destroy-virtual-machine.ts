import { command, EVERYONE } from '../command.js';
import { submitMachineChange } from '../machines.js';
import { p } from '../params.js';
import { MACHINE } from '../views/machine.js';

/** There is no recovery, so nothing is kept for one: a destroyed machine is gone. */
export const destroyVirtualMachine = command({
  name: 'destroyVirtualMachine',
  description:
    'Destroys a machine with its root disk; one that was imported is let go, its domain and disks stay as they are',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('machine', { description: 'the ID of the machine', required: true }),
    expunge: p.boolean({ description: 'without effect: machines are always expunged, since there is no recovery' }),
  },
  response: MACHINE,
  handler: (ctx, asked) => submitMachineChange(ctx, asked.id, 'destroy'),
});
