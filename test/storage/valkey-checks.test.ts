import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { judgeInfo, USED_COMMANDS } from '../../src/storage/valkey/valkey-checks.ts'

/** What INFO says of a server that is as it should be. */
const GOOD = {
  redis_version: '7.0.15',
  maxmemory: '1073741824',
  maxmemory_policy: 'noeviction',
  role: 'master',
  connected_slaves: '1',
  cluster_enabled: '0',
}

function judge(fields: Readonly<Record<string, string | undefined>>, hasSentinels = false) {
  const all: readonly (readonly [string, string | undefined])[] = Object.entries({
    ...GOOD,
    ...fields,
  })
  const lines = all.flatMap(([name, value]) => (value === undefined ? [] : [`${name}:${value}`]))
  return judgeInfo(`# Server\r\n${lines.join('\r\n')}\r\n`, hasSentinels)
}

t.test('a server as it should be', async (t) => {
  t.same(judge({}), { isCluster: false, isTooOld: false, problems: [], warnings: [] })
  t.equal(judge({ cluster_enabled: '1' }).isCluster, true)
})

t.test('the version', async (t) => {
  for (const version of ['2.8.24', '5.0.7', '6.2.14', '6.9.9', undefined]) {
    const { problems } = judge({ redis_version: version })
    t.equal(problems.length, 1)
    t.match(
      problems[0],
      /it is version .*: scripts and invalidation .* from Redis 7 .*: upgrade it/,
    )
  }
  for (const version of ['7.0.0', '7.2.4', '8.2.1', '10.0.0']) {
    t.same(judge({ redis_version: version }).problems, [], version)
  }
  // Valkey says a version of Redis for those who look for one, and its own.
  const ofValkey = { redis_version: '7.2.4', server_name: 'valkey' }
  t.same(judge({ ...ofValkey, valkey_version: '8.1.0' }).problems, [])
})

t.test('a policy that drops objects, if there is a bound at all', async (t) => {
  for (const policy of ['allkeys-lru', 'volatile-ttl', 'volatile-random']) {
    const { problems } = judge({ maxmemory_policy: policy })
    t.match(problems, [new RegExp(`${policy}.*live segments.*maxmemory-policy to noeviction`)])
  }
  const { problems, warnings } = judge({ maxmemory: '0', maxmemory_policy: 'allkeys-lru' })
  t.same(problems, [])
  t.match(warnings, [/no bound on its memory.*set maxmemory/])
})

t.test('a replica', async (t) => {
  t.match(judge({ role: 'slave' }).problems, [/a replica.*name the primary, or its Sentinels/])
})

t.test('Sentinels with nothing to fail over to', async (t) => {
  t.match(judge({ connected_slaves: '0' }, true).warnings, [/no replica.*add a replica/])
  t.same(judge({ connected_slaves: '0' }).warnings, [])
  t.same(judge({}, true).warnings, [])
})

t.test(
  'the rights that are asked for are those of every command and every kind of name',
  async (t) => {
    const folder = new URL('../../src/storage/valkey/', import.meta.url)
    const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
    const all = sources.join('\n')
    const commands = new Set(USED_COMMANDS.map(([name]) => name))
    const used = [...all.matchAll(/redis\.call\('([A-Z]+)'/g)].map(([, name = '']) => name)
    t.ok(used.length > 20)
    for (const name of used) t.ok(commands.has(name.toLowerCase()), name)
    const kinds = new Set(
      USED_COMMANDS.map(([, name = '']) => /^hw:([a-z]):/.exec(name)?.[1]).filter(Boolean),
    )
    for (const [, kind] of all.matchAll(/['`]hw:([a-z]):/g))
      t.ok(kinds.has(kind), `hw:${String(kind)}:`)
  },
)
