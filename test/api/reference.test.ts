import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../db/project-root.js';
import { PAGES } from '../../scripts/reference.js';

test.each(Object.entries(PAGES))(
  '%s is current (else: npm run build && node dist/scripts/reference.js)',
  (path, page) => {
    expect(readFileSync(join(projectRoot(), path), 'utf8')).toBe(page());
  },
);
