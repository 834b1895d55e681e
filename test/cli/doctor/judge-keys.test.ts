import t from 'tap'
import { formatPermissionClaim } from '../../../src/auth/permission-claim.ts'
import { wrapCredential } from '../../../src/auth/credential.ts'
import { parseCacheName } from '../../../src/base/names.ts'
import type { Role } from '../../../src/auth/grant.ts'
import {
  judgeLeak,
  judgeShared,
  kindOfToken,
  tokensIn,
} from '../../../src/cli/doctor/judge-keys.ts'
import { openOrigin } from '../../support/origin.ts'
import { shortOf } from './answers.ts'

const cacheName = parseCacheName('live-origin') ?? '*'

function jwt(role: Role): string {
  const p = formatPermissionClaim({
    ...{ superUser: false, admin: undefined },
    permissions: [{ role, cacheName, items: { kind: 'all' } }],
  })
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'HS256' })}.${part({ sub: 'x', p })}.c2lnbmF0dXJl`
}

t.test('what a token may do is read from it, unverified', async (t) => {
  const origin = await openOrigin(t)
  t.equal(kindOfToken(origin.keys.encoder), 'writer')
  t.equal(kindOfToken(origin.keys.superUser), 'writer')
  t.equal(kindOfToken(origin.keys.player), 'reader')
  t.equal(kindOfToken(jwt('writeonly')), 'writer')
  t.equal(kindOfToken(wrapCredential('origin.example', jwt('readonly'))), 'reader')
  t.equal(kindOfToken('dev-encoder'), 'writer')
  t.equal(kindOfToken('dev-player'), 'reader')
  for (const token of ['opaque', 'a.b.c', 'eyJlbmRwb2ludCI6broken', wrapCredential('a', 'b')]) {
    t.equal(kindOfToken(token), 'unknown')
  }
})

t.test('tokens of every URI of a playlist', async (t) => {
  const text =
    '#EXT-X-MAP:URI="init.mp4?a=1&token=q%2Bq"\nx.ts?token=plain&ttl=1\ny.ts?token=50%\nz'
  t.strictSame([...tokensIn(text)], ['q+q', 'plain', '50%'])
})

t.test('a key in a playlist, the worst of them first', async (t) => {
  const writer = `a.ts?token=${jwt('readwrite')}`
  const reader = `a.ts?token=${jwt('readonly')}`
  t.match(shortOf(judgeLeak(['a.ts'])), /^ok/)
  t.match(shortOf(judgeLeak([reader, writer])), /^breaks/)
  t.match(shortOf(judgeLeak([reader, 'a.ts?token=opaque'])), /^warning: .*cannot be seen/)
  t.match(shortOf(judgeLeak([reader])), /^warning: .*only read/)
  t.match(shortOf(judgeLeak([])), /^unchecked/)
})

t.test('the playlist of one reader and the next one', async (t) => {
  const judge = (
    plain: string | undefined,
    first: string | undefined,
    next: string | undefined,
    isNextRefusedByOrigin?: boolean,
  ) =>
    shortOf(
      judgeShared({
        ...{ plain, first, next, isNextRefusedByOrigin },
        ...{ nextSays: 'without a key', cdn: 'cloudfront' },
      }),
    )
  t.match(judge('a.ts', undefined, undefined), /^unchecked/)
  t.match(judge('a.ts', 'a.ts?token=A', undefined), /^ok: refused/)
  t.match(judge('a.ts', 'a.ts?token=A', 'a.ts'), /^ok/)
  t.match(judge('a.ts', 'a.ts?token=A', 'a.ts?token=B'), /^ok/)
  t.match(judge('a.ts', 'a.ts?token=A', 'a.ts?token=A'), /^breaks/)
  t.match(judge('a.ts?token=P', 'a.ts?token=P', 'a.ts?token=P'), /^ok/, 'put there for all')
  t.match(judge('a.ts', 'a.ts', 'a.ts', true), /^warning: a copy is served/)
  t.match(judge(undefined, 'a.ts?token=A', 'a.ts?token=A'), /^breaks/)
})
