import t from 'tap'
import { explainRefusals } from '../../src/cli/refusal-words.ts'
import type { RefusalSummary } from '../../src/cli/refusal-words.ts'
import { encoderName } from '../../src/wire/refusal-advice.ts'
import { REFUSALS } from '../../src/wire/refusals.ts'

const URL = 'http://127.0.0.1:8080'

function explain(change: Partial<RefusalSummary>) {
  const count = change.count ?? 1
  const summary: RefusalSummary = {
    reason: 'credential-missing',
    statusCode: 401,
    cacheName: 'live-origin',
    clientAddress: '10.0.0.1',
    userAgent: 'Lavf/59.27.100',
    count,
    segmentCount: count,
    playlistCount: 0,
    sampleKey: 'playlist12.ts',
    hadQueryToken: false,
    hadHeaderCredential: false,
    ...change,
  }
  return explainRefusals(summary, URL)
}

t.test('ffmpeg dropped the query: the option to add, with its own names', async (t) => {
  const { headline, why, commands } = explain({ count: 12 })
  t.equal(headline, '12 segments refused with 401 (ffmpeg, 10.0.0.1, cache live-origin)')
  t.match(why, 'ffmpeg dropped the query; write it in -hls_segment_filename, too')
  t.equal(
    commands[0],
    `-hls_segment_filename "${URL}/cache/live-origin/playlist_%05d.ts?token=$KEY&ttl_seconds=3600"`,
  )
  t.match(explain({ sampleKey: '720p/seg_00012.m4s' }).commands[0], '/720p/seg_%05d.m4s?token')
})

t.test('no key at all: the header', async (t) => {
  const { why, commands } = explain({ count: 5, segmentCount: 3, playlistCount: 2 })
  t.match(why, 'No key came with them')
  t.strictSame(commands, [`-headers "Authorization: $KEY"$'\\r\\n'`])
  const other = explain({ userAgent: 'MediaLive/1' })
  t.match(other.why, 'password of Basic')
  t.strictSame(other.commands, [])
})

t.test("ffmpeg's DASH muxer: the option that it does not ignore", async (t) => {
  for (const sampleKey of ['manifest.mpd', 'a/init-stream0.m4s', 'chunk-stream0-00001.m4s']) {
    t.match(explain({ sampleKey }).commands, ['-http_opts "headers=Authorization\\: $KEY"'])
  }
})

t.test('a token with a dot: segments go to the playlist, with a token cut short', async (t) => {
  const cut = explain({
    reason: 'credential-malformed',
    hadQueryToken: true,
    sampleKey: 'playlist.m3u8',
    segmentCount: 0,
    playlistCount: 1,
  })
  t.match(cut.why, 'cut the token at its last dot')
  t.match(cut.commands[0], '/playlist_%05d.ts?token=$KEY')
  const body = explain({ reason: 'not-a-playlist', statusCode: 400, sampleKey: 'playlist.m3u8' })
  t.match(body.why, 'begins with #EXTM3U')
  t.match(body.commands[0], '-hls_segment_filename')
})

t.test('keys that are wrong, old, or for something else: how to make the right one', async (t) => {
  for (const reason of [
    'credential-unknown',
    'credential-expired',
    'credential-revoked',
    'permission-denied',
  ]) {
    t.strictSame(explain({ reason }).commands, [
      'headwater key create --cache live-origin --role readwrite',
    ])
  }
})

t.test('caches and sizes: the command that changes them', async (t) => {
  t.strictSame(explain({ reason: 'cache-not-found', cacheName: 'news' }).commands, [
    'headwater cache create news',
  ])
  t.match(explain({ reason: 'body-too-large' }).commands, [/cache set live-origin --item-size/])
})

t.test('ttl_seconds: three places for ffmpeg, one sentence for others', async (t) => {
  const ffmpeg = explain({ reason: 'ttl-missing', hadHeaderCredential: true })
  t.equal(ffmpeg.commands.length, 3)
  t.notMatch(ffmpeg.commands.join(), 'token')
  t.strictSame(explain({ reason: 'ttl-missing', userAgent: 'curl/8' }).commands, [])
})

t.test('what broke off was not refused', async (t) => {
  const { headline } = explain({ reason: 'body-incomplete', count: 1 })
  t.match(headline, '1 segment broke off before the end (')
  t.match(explain({ reason: 'content-range' }).why, 'curlhttpsink')
  t.match(explain({ reason: 'length-required' }).why, 'chunked_post=0')
})

t.test('a playlist that would publish its key: the header, for this encoder', async (t) => {
  const ffmpeg = explain({ reason: 'playlist-leaks-key', statusCode: 422 })
  t.match(ffmpeg.why, 'every viewer would get it')
  t.strictSame(ffmpeg.commands, [`-headers "Authorization: $KEY"$'\\r\\n'`])
  const other = explain({ reason: 'playlist-leaks-key', userAgent: 'MediaLive/1' })
  t.match(other.why, 'password of Basic')
  t.strictSame(other.commands, [])
  t.match(explain({ reason: 'transfer-coding', statusCode: 501 }).why, 'other than chunked')
})

t.test('every reason of the wire has words', async (t) => {
  for (const reason of [...Object.keys(REFUSALS), 'future-reason']) {
    const { why } = explain({ reason })
    t.not(why, '', reason)
  }
})

t.test('encoders by their User-Agent, which may be anything', async (t) => {
  t.equal(encoderName('libobs/30.0'), 'OBS')
  t.equal(encoderName('ShakaPackager/3.4.2'), 'Shaka Packager')
  t.equal(encoderName('GStreamer souphttpclientsink 1.22'), 'GStreamer')
  t.equal(encoderName(''), 'unnamed client')
  t.equal(encoderName('curl/8.5.0 (x86)'), 'curl/8.5.0')
  t.equal(encoderName('a\u001b[2Jb'), 'a?[2Jb')
  t.ok(encoderName('x'.repeat(300)).length <= 41)
})

t.test('nothing of a key or a name can move the cursor or show a token', async (t) => {
  const text = JSON.stringify(explain({ sampleKey: 'a\u001b[2J?token=secret-token.ts' }))
  t.notMatch(text, 'secret-token')
  t.notMatch(text, '\\u001b')
})
