import t from 'tap'
import { painter } from '../../src/cli/banner.ts'
import type { FaultsChange } from '../../src/origin/events.ts'
import { formatNotice, logNotice } from '../../src/cli/origin-notices.ts'
import type { OriginNotice } from '../../src/cli/origin-reporter.ts'
import { formatLogLine, terminalLog } from '../../src/cli/terminal-log.ts'
import { toPlainText } from '../../src/base/plain-text.ts'
import { formatBytes, formatTable } from '../../src/cli/text-table.ts'
import { hasColours } from '../../src/cli/cli-context.ts'
import { createLogger } from '../../src/base/log.ts'
import type { ChannelState } from '../../src/origin/channel-view.ts'
import { parseCacheName, parseItemKey } from '../../src/base/names.ts'

const plain = painter(false)

function channel(state: ChannelState, renditionCount = 3): OriginNotice {
  const cacheName = parseCacheName('live-origin')
  if (cacheName === undefined) throw new Error('a name')
  const change = { cacheName, key: 'demo/playlist.m3u8', state, renditionCount }
  return {
    kind: 'channel',
    change: {
      ...change,
      detail: state === 'broken' ? 'low.m3u8 is named and was never written.' : '',
      targetDurationSeconds: 2,
      lastWriteAgeSeconds: 7.400_000_000_1,
    },
  }
}

function tokensRemoved(text: string, tokenCount = 12): OriginNotice {
  const [cacheName, key] = [parseCacheName('live-origin'), parseItemKey(text)]
  if (cacheName === undefined || key === undefined) throw new Error('a name')
  return { kind: 'tokens-removed', removal: { cacheName, key, tokenCount } }
}

const REFUSED: OriginNotice = {
  kind: 'refused',
  summary: {
    reason: 'credential-missing',
    statusCode: 401,
    cacheName: 'live-origin',
    clientAddress: '10.0.0.1',
    userAgent: 'Lavf/59',
    count: 12,
    segmentCount: 12,
    playlistCount: 0,
    sampleKey: 'a1.ts',
    hadQueryToken: false,
    hadHeaderCredential: false,
  },
}

function format(notice: OriginNotice, columns = 100): string {
  return formatNotice(notice, {
    ...{ publicUrl: 'http://127.0.0.1:8080', paint: plain },
    ...{ time: '12:03:04', columns },
  })
}

t.test('channels: live, stale, broken, ended, one line each', async (t) => {
  t.equal(
    format(channel('live')),
    '12:03:04  live     live-origin/demo/playlist.m3u8  (3 renditions, target duration 2 s)\n',
  )
  t.match(format(channel('live', 1)), '(1 rendition,')
  t.match(format(channel('stale')), 'no new playlist for 7 s: does the encoder still run?')
  t.match(format(channel('ended')), 'EXT-X-ENDLIST')
  t.match(format(channel('broken')), 'low.m3u8 is named and was never written.')
  t.equal(
    format({ kind: 'cache-created', cacheName: 'news' }),
    '12:03:04  cache    news was made\n',
  )
})

t.test('faults of a rig: each that comes, goes or has had its time', async (t) => {
  const fault = (kind: FaultsChange['kind'], activeCount: number) =>
    format({
      kind: 'faults',
      change: { kind, faultId: 'late', action: 'delay', limitSeconds: 90, activeCount },
    })
  t.match(fault('added', 2), 'fault    late (delay) is on for 90 s (2 on: headwater fault list)')
  t.match(fault('deleted', 0), 'late is deleted (none is on)')
  t.match(fault('lapsed', 1), 'late (delay) has ended by its limit of 90 s (1 on: ')
  t.match(fault('cleared', 0), 'all faults are cleared')
})

t.test('refused writes: sentences wrapped, commands whole', async (t) => {
  const lines = format(REFUSED, 80).split('\n')
  t.match(lines[0], /^12:03:04 {2}warning {2}12 segments refused with 401/)
  for (const line of lines.slice(1)) {
    if (!/^ {21}-/.test(line)) t.ok(line.length <= 80, line)
  }
  t.match(format({ kind: 'refused-more', count: 7 }), '7 more uploads refused')
})

t.test('keys in a playlist: what was found, what became of it, what is better', async (t) => {
  const lines = format(tokensRemoved('a/playlist.m3u8'), 80).split('\n')
  t.equal(
    lines[0],
    '12:03:04  warning  12 URIs of the playlist live-origin/a/playlist.m3u8 had ?token= with a key that is not for viewers',
  )
  t.match(lines.join(' ').replace(/\s+/g, ' '), 'taken out before the playlist was stored')
  t.match(lines.join('\n'), '-headers "Authorization: $KEY"')
  t.match(format(tokensRemoved('a.m3u8', 1)), '1 URI of the playlist')
  const odd = format(tokensRemoved('\u001b[2J?token=secret-token'))
  t.notMatch(odd, '\u001b')
  t.notMatch(odd, 'secret-token')
})

t.test('colours do not move the columns', async (t) => {
  const notice = channel('live')
  const style = { publicUrl: 'http://a', time: '12:03:04', columns: 100 }
  const coloured = formatNotice(notice, { ...style, paint: painter(true) })

  t.equal(coloured.replace(/\u001b\[\d+m/g, ''), format(notice))
  t.not(coloured, format(notice))
})

t.test('the log has the same with constant messages', async (t) => {
  const records: Record<string, unknown>[] = []
  const log = createLogger('info', {
    write: (line: string) => {
      // One JSON object a line.
      records.push(JSON.parse(line) as Record<string, unknown>)
    },
  })
  for (const notice of [
    channel('live'),
    channel('stale'),
    channel('broken'),
    channel('ended'),
    REFUSED,
  ]) {
    logNotice(log, notice, 'http://127.0.0.1:8080')
  }
  logNotice(log, { kind: 'cache-created', cacheName: 'news' }, '')
  logNotice(log, { kind: 'refused-more', count: 3 }, '')
  logNotice(log, tokensRemoved('a.m3u8?token=secret-token'), '')
  t.match(records, [
    { msg: 'channel live', level: 30, cacheName: 'live-origin' },
    { msg: 'channel stale', level: 40, lastWriteAgeSeconds: 7.4 },
    { msg: 'channel broken', level: 40, detail: 'low.m3u8 is named and was never written.' },
    { msg: 'channel ended', level: 30 },
    { msg: 'writes refused', level: 40, count: 12, client: 'ffmpeg', advice: /-hls_segment/ },
    { msg: 'cache created', cacheName: 'news' },
    { msg: 'more writes refused', count: 3 },
    {
      msg: 'keys removed from a playlist',
      level: 40,
      cacheName: 'live-origin',
      key: 'a.m3u8?token=[redacted]',
      tokenCount: 12,
      advice: /-headers/,
    },
  ])
})

t.test('a record of the log as a line', async (t) => {
  let text = ''
  const log = createLogger('info', terminalLog({ write: (line) => (text += line) }, plain))
  log.warn({ cacheName: 'news' }, 'something odd')
  log.error({ err: new Error('disk full') }, 'not written')
  t.match(text, /^\d\d:\d\d:\d\d {2}warn {4}something odd {2}\{"cacheName":"news"\}$/m)
  t.match(text, /^\d\d:\d\d:\d\d {2}error {3}not written$/m)
  t.match(text, /^ {10}Error: disk full$/m)
  t.equal(formatLogLine('not json\n', plain), 'not json\n')
  t.match(formatLogLine('{"level":35,"time":0,"msg":"m","err":{"message":"x"}}', plain), 'log')
})

t.test('tables align, figures to the right', async (t) => {
  t.equal(
    formatTable(
      [
        ['A', 'N'],
        ['long', '5'],
        ['b', '1234'],
      ],
      [1],
    ),
    'A        N\nlong     5\nb     1234\n',
  )
})

t.test('bytes in the unit that suits them', async (t) => {
  t.equal(formatBytes(0), '0 B')
  t.equal(formatBytes(1023), '1023 B')
  t.equal(formatBytes(1024), '1.0 KiB')
  t.equal(formatBytes(200 * 1024 * 1024), '200 MiB')
  t.equal(formatBytes(1.5 * 1024 ** 4), '1.5 TiB')
})

t.test('text of strangers is plain and short', async (t) => {
  t.equal(toPlainText('a\u001b[2J\r\nb\u202ec'), 'a?[2J??b?c')
  t.equal(toPlainText('x'.repeat(81)), `${'x'.repeat(80)}…`)
  t.equal(toPlainText('x'.repeat(80)), 'x'.repeat(80))
})

t.test('colours only where a person sees them and wants them', async (t) => {
  const terminal = { isTTY: true, write: () => true }
  t.equal(hasColours(terminal, {}), true)
  t.equal(hasColours({ write: () => true }, {}), false)
  t.equal(hasColours(terminal, { NO_COLOR: '1' }), false)
  t.equal(hasColours(terminal, { NO_COLOR: '' }), true)
  t.equal(hasColours(terminal, { TERM: 'dumb' }), false)
})
