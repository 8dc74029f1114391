import { command, EVERYONE } from '../command.js';
import { submitMachineChange } from '../machines.js';
import { p } from '../params.js';
import { MACHINE } from '../views/machine.js';

export const startVirtualMachine = command({
  name: 'startVirtualMachine',
  description: 'Starts a stopped machine',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('machine', { description: 'the ID of the machine', required: true }),
  },
  response: MACHINE,
  handler: (ctx, asked) => submitMachineChange(ctx, asked.id, 'start'),
});
