// The programs of images, by the name their files carry. Loaded with the machine, never at start. A command that an image
// only tells of (Image.told) is a program too: the one in served.ts.

import type { ImageBook } from '../../image-book.ts'
import type { Program } from '../../machine/process.ts'
import { catalog } from '../index.ts'
import { agnhost } from './agnhost/index.ts'
import { kubectl } from './kubectl/index.ts'
import { memcached } from './memcached.ts'
import { mongosh } from './mongosh.ts'
import { mysql, mysqlAdmin } from './mysql/client.ts'
import { mysqlEntrypoint } from './mysql/entrypoint.ts'
import { mysqlServer } from './mysql/server.ts'
import { nginxEntrypoint } from './nginx/entrypoint.ts'
import { nginx } from './nginx/index.ts'
import { nonewprivs } from './nonewprivs.ts'
import { perl } from './perl.ts'
import { postgresEntrypoint } from './postgres/entrypoint.ts'
import { pgIsReady, psql } from './postgres/psql.ts'
import { postgresServer } from './postgres/server.ts'
import { redisCli, redisServer } from './redis.ts'
import { servedBy } from './served.ts'

export function imagePrograms(images: ImageBook): ReadonlyMap<string, Program> {
  const programs = new Map<string, Program>()
  const served = servedBy(images)
  for (const { told = [] } of catalog.values()) {
    for (const command of told) programs.set(command.slice(command.lastIndexOf('/') + 1), served)
  }
  for (const [name, program] of Object.entries(own)) programs.set(name, program)
  return programs
}

const own: Readonly<Record<string, Program>> = {
  agnhost,
  'agnhost-2': agnhost,
  kubectl,
  mariadb: mysql,
  'mariadb-admin': mysqlAdmin,
  mariadbd: mysqlServer,
  memcached,
  mongo: mongosh,
  mongosh,
  mysql,
  'mysql-entrypoint': mysqlEntrypoint,
  mysqladmin: mysqlAdmin,
  mysqld: mysqlServer,
  nginx,
  nnp: nonewprivs,
  'nginx-entrypoint': nginxEntrypoint,
  perl,
  pg_isready: pgIsReady,
  postgres: postgresServer,
  'postgres-entrypoint': postgresEntrypoint,
  psql,
  'redis-cli': redisCli,
  'redis-server': redisServer,
  'valkey-cli': redisCli,
  'valkey-server': redisServer,
}
