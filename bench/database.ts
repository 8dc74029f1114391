import path from 'node:path';
import type { Knex } from 'knex';
import { connect } from '../db/knex.js';
import type { Service } from './service.js';

/** The database of a service that was started for a measurement: to count rows, or to seed them. */
export const openDatabase = ({ home }: Service): Knex => connect(`sqlite:${path.join(home, 'cks.db')}`);
