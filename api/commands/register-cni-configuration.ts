import { fault } from '../../workflows/model/fault.js';
import { command, EVERYONE } from '../command.js';
import { OWNER, p } from '../params.js';
import { POST_LIMIT, register } from '../user-data.js';
import { CNI_CONFIG } from '../views/user-data.js';

export const registerCniConfiguration = command({
  name: 'registerCniConfiguration',
  description: 'Registers a CNI configuration to be used with clusters',
  since: '4.21.0',
  roles: EVERYONE,
  params: {
    name: p.string({ description: 'Name of the CNI configuration', required: true, length: 191 }),
    cniconfig: p.string({
      description:
        'content, base64: commands that continue runcmd, a cloud-config with runcmd and write_files, manifests, or a shell script; up to 4 KB by GET, 1 MB by POST',
      length: 2 * POST_LIMIT,
    }),
    params: p.string({ description: 'comma-separated names of the variables in it', length: 2048 }),
    ...OWNER,
  },
  response: CNI_CONFIG,
  handler(ctx, asked) {
    if (!asked.cniconfig) throw fault('BadParameter', 'cniconfig is missing: give the configuration in Base64');
    return register(ctx, asked, { name: 'cniconfig', text: asked.cniconfig, forCks: true });
  },
});
