import { command, EVERYONE } from '../command.js';
import { submitMachineChange } from '../machines.js';
import { p } from '../params.js';
import { MACHINE } from '../views/machine.js';

export const rebootVirtualMachine = command({
  name: 'rebootVirtualMachine',
  description: 'Reboots a machine: powers it off and on',
  roles: EVERYONE,
  isAsync: true,
  params: {
    id: p.uuid('machine', { description: 'the ID of the machine', required: true }),
    forced: p.boolean({ description: 'true: switched off at once, without asking the guest; default false' }),
  },
  response: MACHINE,
  handler: (ctx, asked) => submitMachineChange(ctx, asked.id, 'reboot', { forced: asked.forced === true }),
});
