import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../db/project-root.js';
import { describeStack } from './stack.js';

const exec = promisify(execFile);

describeStack("CloudStack's SDK for Go (cloudstack-go)", {}, (scenario) => {
  scenario(
    'creates, finds, scales, stops, starts and deletes a cluster; Go 1.23 or newer builds the program',
    async (stack) => {
      const program = join(stack.home, 'go-client');
      await exec('go', ['build', '-o', program, '.'], { cwd: join(projectRoot(), 'test/go') });
      const { endpoint, apikey, secretkey } = stack.admin;
      const { stdout } = await exec(program, [], {
        env: { CLOUDSTACK_ENDPOINT: endpoint, CLOUDSTACK_KEY: apikey, CLOUDSTACK_SECRET: secretkey },
      });
      expect(stdout.trim().split('\n').at(-1)).toBe('nothing is left');
    },
    600,
  );
});
